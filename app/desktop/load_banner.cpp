#include "app/desktop/load_banner.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>

namespace gantry::desktop {

namespace {

constexpr int kSteps = 1000;

} // namespace

LoadBanner::LoadBanner(QWidget* parent)
    : QFrame(parent),
      m_label(new QLabel(this)),
      m_progress(new QProgressBar(this)),
      m_cancel(new QPushButton(tr("Cancel"), this)),
      m_resume(new QPushButton(tr("Read all"), this))
{
    setObjectName(QStringLiteral("loadBanner"));
    setFrameShape(QFrame::StyledPanel);
    m_label->setTextFormat(Qt::PlainText);
    m_progress->setRange(0, kSteps);
    m_progress->setTextVisible(false);
    m_progress->setFixedSize(160, 8);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 3, 8, 3);
    row->addWidget(m_label, 1);
    row->addWidget(m_progress);
    row->addWidget(m_cancel);
    row->addWidget(m_resume);
    connect(m_cancel, &QPushButton::clicked, this, &LoadBanner::cancelRequested);
    connect(m_resume, &QPushButton::clicked, this, &LoadBanner::resumeRequested);
    hide();
}

void LoadBanner::showProgress(const QString& sentence, double fraction)
{
    m_label->setText(sentence);
    m_progress->setValue(static_cast<int>(fraction * kSteps));
    m_progress->show();
    m_cancel->show();
    m_resume->hide();
    show();
}

void LoadBanner::showStopped(const QString& sentence)
{
    m_label->setText(sentence);
    m_progress->hide();
    m_cancel->hide();
    m_resume->show();
    show();
}

QString LoadBanner::sentence() const
{
    return m_label->text();
}

} // namespace gantry::desktop
