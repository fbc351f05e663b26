#include "tests/fuzz/checked_events.h"
#include "trace_model/import/triton_trace.h"

namespace gantry {

std::vector<std::string> fuzz::seeds()
{
    return {
        R"([{"id":1,"timestamps":[{"name":"HTTP_RECV_START","ns":1000}]},{"id":1,"timestamps":[{"name":"HTTP_RECV_END","ns":1010}]},{"id":1,"model_name":"a","model_version":1,"request_id":"x","parent_id":2},)"
        R"({"id":1,"timestamps":[{"name":"REQUEST_START","ns":1020},{"name":"QUEUE_START","ns":1030},{"name":"COMPUTE_START","ns":1040},{"name":"COMPUTE_INPUT_END","ns":1050},)"
        R"({"name":"COMPUTE_OUTPUT_START","ns":1060},{"name":"COMPUTE_END","ns":1070},{"name":"REQUEST_END","ns":1080}]},)"
        R"({"id":2,"model_name":"a","model_version":1,"parent_id":3},{"id":2,"timestamps":[{"name":"REQUEST_START","ns":1025},{"name":"COMPUTE_START","ns":1040},{"name":"COMPUTE_END","ns":1070},{"name":"REQUEST_END","ns":1090}]},)"
        R"({"id":3,"model_name":"b","model_version":-1,"parent_id":1},{"id":3,"timestamps":[{"name":"REQUEST_START","ns":1025},{"name":"REQUEST_END","ns":1090}]},)"
        R"({"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"I","data":"0.1","shape":"1","dtype":"FP32"}},{"id":1,"timestamps":[{"name":"REQUEST_START","ns":9020}]}])",
        R"([{"id":1,"model_name":"a","model_version":1,"request_id":"a"b\"},{"id":1,"timestamps":[{"name":"X_START","ns":1},{"name":"X_END","ns":2}]}])",
    };
}

} // namespace gantry

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry;
    test::CollectingSink sink;
    fuzz::checkOutcome(importing::parseTritonTrace({reinterpret_cast<const char*>(data), size}, sink, {}), sink);
    return 0;
}
