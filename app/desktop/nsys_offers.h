#pragma once

#include "trace_model/import/nsys_export.h"

#include <QObject>
#include <QString>

#include <vector>

namespace gantry::desktop {

class NodeController;
class NodeList;
class PageArea;

/// A node that can export what only Nsight Systems reads.
struct NsysOffer
{
    QString node;    ///< "gpu-07"
    QString version; ///< of its nsys; empty: not known
    importing::NsysExporter exporter;
};

/// Keeps the reports that are open, and the comparison, informed about the connected nodes that have nsys. UI thread.
class NsysOffers : public QObject
{
    Q_OBJECT

public:
    /// Both outlive this.
    NsysOffers(NodeList& nodes, PageArea& pages, QObject* parent = nullptr);

private:
    void watchNodes();
    void refresh();
    [[nodiscard]] std::vector<NsysOffer> offers() const;

    NodeList& m_nodes;
    PageArea& m_pages;
};

} // namespace gantry::desktop
