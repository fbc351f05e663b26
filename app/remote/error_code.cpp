#include "app/remote/error_code.h"

#include "remote_server/proto/convert.h"

namespace gantry::app {

ErrorCode errorCodeFromName(std::string_view errorName)
{
    return proto::errorCodeFromName(errorName).value_or(ErrorCode::Internal);
}

} // namespace gantry::app
