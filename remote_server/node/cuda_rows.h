#pragma once

#include "remote_server/node/record_store.h"
#include "trace_model/base/time.h"
#include "trace_model/records/event_records.h"
#include "trace_model/report/report_writer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::node {

/// The Nsight Systems export's number (ENUM_CUDA_MEM_KIND) of a CUpti_ActivityMemoryKind.
[[nodiscard]] std::uint8_t exportMemoryKind(std::uint8_t cupti);

/// Writes the rows of what one process did with CUDA besides calls and work on streams: its contexts and streams, memory, modules, JIT
/// compilation, graphs as a whole, and overhead. One thread.
class CudaRows
{
public:
    using SessionTime = std::function<TimestampNs(std::int64_t realtimeNs)>;
    using Text = std::function<std::string_view(std::uint32_t id)>; ///< of the process's dictionary

    /// `content`: bits of capture::Content.
    CudaRows(std::uint64_t globalPid, std::uint32_t content, report::ReportWriter& writer, SessionTime time, Text text);

    /// A record of those kinds; others are left alone. What events refer to comes before them.
    void take(const records::RecordView& view);

    void addApiName(std::uint32_t callbackId, bool isDriver, std::string_view name);
    /// Names a stream of the device, whichever of its contexts it is of; the last name counts.
    void addStreamName(std::uint32_t device, std::uint32_t stream, std::string name);
    void noteCall(const records::ApiRecord& call);
    /// Work of a node of a graph.
    void noteGraphNode() { m_hasGraphNodes = true; }

    /// After all records: what needs the API calls or all contexts.
    void conclude(const RecordStore& records);

    /// The device of a context; 0 when it is not known.
    [[nodiscard]] std::uint32_t deviceOf(std::uint32_t contextId) const;

    /// Launches of graphs of which nothing was recorded that should have been. Told by their number: CUPTI before 13.1 gives graphs wrong
    /// correlation ids in all windows but a process's first.
    [[nodiscard]] std::uint64_t unseenGraphLaunches() const;

private:
    struct GraphCall
    {
        std::uint32_t tid;
        bool isDriver;
        std::int64_t startRealtimeNs, endRealtimeNs;
    };

    void addContext(const records::ContextRecord& r);
    void addStream(const records::StreamRecord& r);
    void addOverhead(const records::OverheadRecord& r);
    void addGraph(const records::GraphRecord& r);
    void addMemory(const records::MemoryRecord& r);
    void addModule(const records::ModuleRecord& r);
    void writeStreamNames();
    void writeJits(const RecordStore& records);
    void addJit(const records::JitRecord& r, std::uint32_t tid);

    std::uint64_t m_globalPid;
    std::uint32_t m_content;
    report::ReportWriter& m_writer;
    SessionTime m_time;
    Text m_text;
    std::unordered_map<std::uint32_t, std::uint32_t> m_devices; ///< by context
    std::set<std::pair<std::uint32_t, std::uint32_t>> m_streams;                  ///< of contexts
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> m_streamNames; ///< by device and stream
    std::set<std::pair<std::uint32_t, bool>> m_graphLaunches; ///< callback ids, and whether of the driver
    std::vector<GraphCall> m_graphCalls;
    std::vector<records::JitRecord> m_jits;
    std::uint64_t m_graphs = 0; ///< recorded as a whole
    bool m_hasGraphNodes = false;
    bool m_hasModuleDomain = false;
};

} // namespace gantry::node
