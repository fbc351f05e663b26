#include "app/remote/error_code.h"

namespace gantry::app {

ErrorCode errorCodeFromName(std::string_view errorName)
{
    for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code)
        if (name(static_cast<ErrorCode>(code)) == errorName)
            return static_cast<ErrorCode>(code);
    return ErrorCode::Internal;
}

} // namespace gantry::app
