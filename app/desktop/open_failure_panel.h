#pragma once

#include "app/desktop/nsys_offers.h"
#include "trace_model/base/result.h"
#include "trace_model/trace/trace_loader.h"

#include <QString>
#include <QWidget>

#include <span>
#include <vector>

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace gantry::desktop {

/// What a page shows of a report that was not opened: why, and what to do about it. UI thread.
class OpenFailurePanel : public QWidget
{
    Q_OBJECT

public:
    /// Whether a node with Nsight Systems could export the report, which then is offered.
    enum class Remedy
    {
        None,
        Nsys
    };

    explicit OpenFailurePanel(QWidget* parent = nullptr);

    /// Whether a node with Nsight Systems could help: one of the files is of it, and not broken. Reads their beginnings. Any thread.
    [[nodiscard]] static Remedy remedyFor(const Error& error, std::span<const trace::LoadFile> files);

    /// `side`: "A", where there are two reports; empty: there is one.
    void showFailure(const Error& error, std::span<const trace::LoadFile> files, Remedy remedy, const QString& side = {});
    void setOffers(std::vector<NsysOffer> offers);
    [[nodiscard]] const std::vector<NsysOffer>& offers() const { return m_offers; }

signals:
    void retryRequested();
    void closeRequested();
    /// Export on this node, and open that.
    void exportRequested(const gantry::desktop::NsysOffer& offer);
    void nodeRequested();

private:
    static QString headingFor(const Error& error, Remedy remedy, const QString& side);
    void refreshOffers();

    Remedy m_remedy = Remedy::None;
    std::vector<NsysOffer> m_offers;
    QLabel* m_heading;
    QLabel* m_sentence;
    QLabel* m_details;
    QLabel* m_nodeHint;
    QPushButton* m_export;
    QPushButton* m_connect;
};

/// A column of widgets in the middle of a page, no wider than a line that reads well.
[[nodiscard]] QVBoxLayout* centredColumn(QWidget* page);

} // namespace gantry::desktop
