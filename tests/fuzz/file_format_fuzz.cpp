#include "tests/fuzz/fuzz_target.h"
#include "trace_model/import/file_format.h"
#include "trace_model/import/json_parts.h"

#include <string_view>

namespace gantry {

std::vector<std::string> fuzz::seeds()
{
    using namespace std::string_literals;
    return {
        "SQLite format 3\0rocpd_op"s,
        "NVIDIA Tegra Profiler Report 2025@1@1@110-251135451612v0."s,
        "\xEF\xBB\xBF {\"schemaVersion\": 1, \"traceEvents\": [{\"ph\": \"X\"}]}"s,
        "[{\"ph\":\"X\",\"ts\":1.5},{\"id\":1,\"timestamps\":[]}]"s,
        "{\"experiments\":[{\"requests\":[]}],\"resourceSpans\":[]}"s,
        "Concurrency,Inferences/Second\n1,2\n"s,
        "\x0A\x04\x08\x01\x10\x02\x0A\x02\x50\x01\x0A\x02\x50\x02"s,
        "<html><body>"s,
        "# HELP a b\n# TYPE a counter\n[TensorRT-LLM]"s,
    };
}

namespace {

/// Each part lies in its container, behind the one before.
void checkParts(std::string_view container)
{
    importing::JsonParts parts(container);
    const char* behind = container.data();
    while (const auto part = parts.next()) {
        GANTRY_FUZZ_CHECK(!part->text.empty() && part->text.data() >= behind);
        behind = part->text.data() + part->text.size();
        GANTRY_FUZZ_CHECK(behind <= container.data() + container.size());
        GANTRY_FUZZ_CHECK(!part->integer() || part->isWhole);
        static_cast<void>(part->number());
        static_cast<void>(part->string());
    }
    GANTRY_FUZZ_CHECK(parts.position() <= container.size());
    importing::JsonParts unscanned(container);
    std::size_t count = 0;
    while (unscanned.nextUnscanned())
        GANTRY_FUZZ_CHECK(++count <= container.size());
}

} // namespace
} // namespace gantry

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto format = importing::recogniseContent(text);
    GANTRY_FUZZ_CHECK(format || (format.error().code == ErrorCode::NotAReport && !format.error().message.empty()));
    checkParts(text);
    return 0;
}
