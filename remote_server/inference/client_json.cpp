#include "remote_server/inference/client_json.h"

#include <string>

namespace gantry::inference_server {

Result<nlohmann::json> parseClientJson(std::string_view text)
{
    const auto bad = [](const std::string& why) {
        return Error{ErrorCode::BadInput, "failed to parse the request JSON buffer: " + why, {}};
    };
    bool isTooDeep = false;
    try {
        nlohmann::json value = nlohmann::json::parse(text, [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
            isTooDeep |= depth > kMostNested;
            return !isTooDeep; // what is not kept takes no memory
        });
        if (isTooDeep)
            return bad("values are nested deeper than " + std::to_string(kMostNested));
        return value;
    } catch (const nlohmann::json::exception& error) {
        const std::string what = error.what();
        const std::size_t bracket = what.find("] "); // behind the library's number of the error
        return bad(bracket == std::string::npos ? what : what.substr(bracket + 2));
    }
}

} // namespace gantry::inference_server
