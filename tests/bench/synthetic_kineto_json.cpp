#include "tests/bench/synthetic_trace.h"
#include "tests/bench/synthetic_training.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace gantry::bench {

namespace {

constexpr std::uint32_t kPid = 4711;
constexpr std::array<std::uint32_t, 2> kTids = {4711, 4790};
constexpr std::uint32_t kFirstStream = 7;
constexpr std::uint32_t kMultiprocessors = 132;

/// Text on its way to a file, in large writes. The formatting is as plain as it gets: a library's would take longer than the disk.
class TextFile
{
public:
    static Result<TextFile> create(const std::filesystem::path& path)
    {
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
            return errnoError(errno, "creating " + path.string());
        return TextFile(fd);
    }
    TextFile(TextFile&& other) noexcept : m_fd(other.m_fd), m_buffer(std::move(other.m_buffer)), m_used(other.m_used) { other.m_fd = -1; }
    TextFile& operator=(TextFile&&) = delete;
    ~TextFile()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }

    TextFile& operator<<(std::string_view text)
    {
        std::memcpy(m_buffer.get() + m_used, text.data(), text.size());
        m_used += text.size();
        return *this;
    }
    TextFile& operator<<(std::uint64_t number)
    {
        m_used = static_cast<std::size_t>(std::to_chars(m_buffer.get() + m_used, m_buffer.get() + kBytes, number).ptr - m_buffer.get());
        return *this;
    }
    /// `value` thousandths or millionths: "12.345".
    template <int Digits>
    void fraction(std::uint64_t value)
    {
        std::uint64_t scale = 1;
        for (int i = 0; i < Digits; ++i)
            scale *= 10;
        *this << value / scale << ".";
        std::uint64_t rest = value % scale;
        for (int i = Digits; i-- > 0; rest /= 10)
            m_buffer[m_used + static_cast<std::size_t>(i)] = static_cast<char>('0' + rest % 10);
        m_used += Digits;
    }

    /// Between events: makes room for the next one.
    Result<void> makeRoom()
    {
        constexpr std::size_t kLargestEvent = 4096;
        return m_used + kLargestEvent > kBytes ? flush() : Result<void>();
    }
    Result<void> flush()
    {
        for (std::size_t done = 0; done < m_used;) {
            const ssize_t written = ::write(m_fd, m_buffer.get() + done, m_used - done);
            if (written < 0)
                return errnoError(errno, "writing the trace");
            done += static_cast<std::size_t>(written);
        }
        m_used = 0;
        return {};
    }

private:
    static constexpr std::size_t kBytes = std::size_t{4} << 20;
    explicit TextFile(int fd) : m_fd(fd), m_buffer(std::make_unique<char[]>(kBytes)) {}

    int m_fd;
    std::unique_ptr<char[]> m_buffer;
    std::size_t m_used = 0;
};

class KinetoWriter
{
public:
    explicit KinetoWriter(TextFile& out) : m_out(out) {}

    void begin()
    {
        m_out << "\n{\n  \"schemaVersion\": 1,\n  \"deviceProperties\": [\n    {\n      \"id\": 0, \"name\": \"NVIDIA H100 80GB HBM3\", "
                 "\"totalGlobalMem\": 85031714816,\n      \"computeMajor\": 9, \"computeMinor\": 0,\n      \"warpSize\": 32, \"numSms\": ";
        m_out << kMultiprocessors
              << "\n    }\n  ],\n  \"cuda_runtime_version\": 12080,\n  \"cuda_driver_version\": 12080,\n  \"record_shapes\": 1,\n"
                 "  \"displayTimeUnit\": \"ms\",\n  \"baseTimeNanoseconds\": ";
        m_out << static_cast<std::uint64_t>(kSyntheticUtcNs) << ",\n  \"traceEvents\": [";
        nameRow("process_name", kPid, 0, "name", "python");
        nameRow("process_labels", kPid, 0, "labels", "CPU");
        nameRow("process_name", 0, 0, "name", "python");
        nameRow("process_labels", 0, 0, "labels", "GPU 0");
        nameRow("thread_name", kPid, kTids[0], "name", "thread 4711 (main)");
        nameRow("thread_name", kPid, kTids[1], "name", "thread 4790 (pt_autograd_0)");
        for (std::uint32_t stream = kFirstStream; stream < kFirstStream + 8; ++stream)
            nameRow("thread_name", 0, stream, "name", fmt::format("stream {} ", stream));
    }

    void end() { m_out << "\n  ],\n  \"traceName\": \"synthetic.pt.trace.json\"\n}\n"; }

    Result<void> add(const SyntheticStep& step)
    {
        for (const SyntheticRange& range : step.ranges) {
            GANTRY_CHECK(m_out.makeRoom());
            add(range);
        }
        for (const SyntheticCall& call : step.calls) {
            GANTRY_CHECK(m_out.makeRoom());
            add(call);
        }
        for (const SyntheticWork& work : step.work) {
            GANTRY_CHECK(m_out.makeRoom());
            work.isCopy ? addCopy(work) : addKernel(work);
        }
        return {};
    }

    [[nodiscard]] const SyntheticSums& sums() const { return m_sums; }

private:
    void comma()
    {
        m_out << (m_isFirst ? "\n" : ",\n");
        m_isFirst = false;
    }

    void nameRow(std::string_view what, std::uint64_t pid, std::uint64_t tid, std::string_view key, std::string_view value)
    {
        comma();
        m_out << "  {\n    \"name\": \"" << what << "\", \"ph\": \"M\", \"ts\": 0.000, \"pid\": " << pid << ", \"tid\": " << tid
              << ",\n    \"args\": {\n      \"" << key << "\": \"" << value << "\"\n    }\n  }";
    }

    /// Everything before the arguments.
    template <typename Event>
    void begin(const Event& event, SyntheticSum& sum, std::string_view category, std::string_view name, std::uint64_t pid,
               std::uint64_t tid)
    {
        ++sum.count;
        sum.start += static_cast<std::uint64_t>(event.start);
        sum.duration += static_cast<std::uint64_t>(event.end - event.start);
        comma();
        m_out << "  {\n    \"ph\": \"X\", \"cat\": \"" << category << "\", \"name\": \"" << name << "\", \"pid\": " << pid
              << ", \"tid\": " << tid << ",\n    \"ts\": ";
        m_out.fraction<3>(static_cast<std::uint64_t>(event.start));
        m_out << ", \"dur\": ";
        m_out.fraction<3>(static_cast<std::uint64_t>(event.end - event.start));
        m_out << ",\n    \"args\": {\n      \"External id\": ";
    }

    void end(std::string_view arguments) { m_out << arguments << "\n    }\n  }"; }

    void add(const SyntheticRange& range)
    {
        const SyntheticNames& names = syntheticNames();
        switch (range.level) {
        case SyntheticRange::Level::Step:
            begin(range, m_sums.ranges, "user_annotation", fmt::format("ProfilerStep#{}", range.index), kPid, kTids[range.thread]);
            break;
        case SyntheticRange::Level::Layer:
            begin(range, m_sums.ranges, "user_annotation", names.layers[range.index], kPid, kTids[range.thread]);
            break;
        case SyntheticRange::Level::Operator:
            begin(range, m_sums.ranges, "cpu_op", names.operators[range.index], kPid, kTids[range.thread]);
            break;
        }
        ++m_externalId;
        m_out << m_externalId << ",\"Record function id\": 0, \"Ev Idx\": " << m_externalId - 1;
        end("");
    }

    void add(const SyntheticCall& call)
    {
        constexpr std::uint64_t kLaunchId = 211, kCopyId = 41; // CUPTI's numbers of the calls
        begin(call, m_sums.calls, "cuda_runtime", syntheticNames().calls[call.name], kPid, kTids[call.thread]);
        m_sums.calls.correlation += call.correlation;
        m_out << m_externalId << ",      \"cbid\": " << (call.name == kSyntheticCopyCall ? kCopyId : kLaunchId)
              << ", \"correlation\": " << std::uint64_t{call.correlation};
        end("");
    }

    void addKernel(const SyntheticWork& work)
    {
        const std::uint64_t stream = kFirstStream + work.stream;
        const std::uint64_t blocksPerMillion = std::uint64_t{work.gridX} * 1'000'000 / kMultiprocessors;
        begin(work, m_sums.kernels, "kernel", syntheticNames().kernels[work.name].demangled, 0, stream);
        m_sums.kernels.correlation += work.correlation;
        m_out << m_externalId << ",      \"queued\": 0, \"device\": 0, \"context\": 1,      \"stream\": " << stream
              << ", \"correlation\": " << std::uint64_t{work.correlation}
              << ",      \"registers per thread\": " << std::uint64_t{32u + (work.name & 7u) * 8u}
              << ",      \"shared memory\": " << std::uint64_t{(work.name & 15u) * 4096u} << ",      \"blocks per SM\": ";
        m_out.fraction<6>(blocksPerMillion);
        m_out << ",      \"warps per SM\": ";
        m_out.fraction<6>(blocksPerMillion * 4);
        m_out << ",      \"grid\": [" << std::uint64_t{work.gridX}
              << ", 1, 1],      \"block\": [128, 1, 1],      \"est. achieved occupancy %\": " << std::uint64_t{work.correlation % 100};
        end("");
    }

    void addCopy(const SyntheticWork& work)
    {
        static constexpr std::array<std::string_view, 3> kNames = {"Memcpy HtoD (Pinned -> Device)", "Memcpy DtoH (Device -> Pinned)",
                                                                   "Memcpy DtoD (Device -> Device)"};
        const std::uint64_t stream = kFirstStream + work.stream;
        begin(work, m_sums.memcpys, "gpu_memcpy", kNames[work.name], 0, stream);
        m_sums.memcpys.correlation += work.correlation;
        m_out << m_externalId << ",      \"device\": 0, \"context\": 1,      \"stream\": " << stream
              << ", \"correlation\": " << std::uint64_t{work.correlation} << ",      \"bytes\": " << work.bytes
              << ", \"memory bandwidth (GB/s)\": ";
        m_out.fraction<6>(work.bytes * 1'000'000 / static_cast<std::uint64_t>(work.end - work.start));
        end("");
    }

    TextFile& m_out;
    SyntheticSums m_sums;
    std::uint64_t m_externalId = 0; ///< of the range before
    bool m_isFirst = true;
};

} // namespace

Result<SyntheticSums> writeKinetoJson(const std::filesystem::path& path, std::uint64_t events)
{
    GANTRY_TRY(TextFile out, TextFile::create(path));
    KinetoWriter writer(out);
    writer.begin();
    TrainingSimulation simulation(events);
    for (SyntheticStep step; simulation.next(step);)
        GANTRY_CHECK(writer.add(step));
    writer.end();
    GANTRY_CHECK(out.flush());
    return writer.sums();
}

} // namespace gantry::bench
