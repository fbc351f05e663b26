#include "app/desktop/loading_panel.h"

#include "app/desktop/open_failure_panel.h"
#include "widgets/theme/elided_label.h"

#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

namespace gantry::desktop {

namespace {

constexpr int kSteps = 1000;

} // namespace

LoadingPanel::LoadingPanel(QWidget* parent)
    : QWidget(parent), m_sentence(new widgets::ElidedLabel(Qt::ElideMiddle, this)), m_progress(new QProgressBar(this))
{
    m_sentence->setObjectName(QStringLiteral("stage"));
    m_progress->setRange(0, kSteps);
    m_progress->setTextVisible(false);
    m_progress->setFixedHeight(10);
    m_progress->setAccessibleName(tr("Progress"));
    auto* cancel = new QPushButton(tr("Cancel"), this);
    connect(cancel, &QPushButton::clicked, this, &LoadingPanel::cancelRequested);
    QVBoxLayout* column = centredColumn(this);
    column->addStretch(1);
    column->addWidget(m_sentence);
    column->addWidget(m_progress);
    column->addWidget(cancel, 0, Qt::AlignLeft);
    column->addStretch(2);
}

void LoadingPanel::showProgress(const QString& sentence, double fraction)
{
    m_sentence->setText(sentence);
    m_progress->setValue(static_cast<int>(fraction * kSteps));
}

QString LoadingPanel::sentence() const
{
    return m_sentence->text();
}

} // namespace gantry::desktop
