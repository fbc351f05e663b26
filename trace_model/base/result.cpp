#include "trace_model/base/result.h"

#include <cerrno>
#include <system_error>

namespace gantry {

int exitStatus(ErrorCode code)
{
    // sysexits.h: EX_DATAERR 65, EX_UNAVAILABLE 69, EX_CANTCREAT 73, EX_TEMPFAIL 75, EX_NOPERM 77.
    switch (code) {
    case ErrorCode::BadInput:
    case ErrorCode::NotAReport:
    case ErrorCode::UnsupportedVersion:
    case ErrorCode::Truncated:
    case ErrorCode::NotFound: return 65;
    case ErrorCode::Unreachable:
    case ErrorCode::VersionMismatch: return 69;
    case ErrorCode::CannotWrite: return 73;
    case ErrorCode::Busy: return 75;
    case ErrorCode::NotPermitted: return 77;
    case ErrorCode::TargetGone:
    case ErrorCode::Unsupported:
    case ErrorCode::Cancelled:
    case ErrorCode::Internal: return 2;
    }
    return 2;
}

std::string_view name(ErrorCode code)
{
    switch (code) {
    case ErrorCode::BadInput: return "bad_input";
    case ErrorCode::NotAReport: return "not_a_report";
    case ErrorCode::UnsupportedVersion: return "unsupported_version";
    case ErrorCode::Truncated: return "truncated";
    case ErrorCode::NotFound: return "not_found";
    case ErrorCode::Unreachable: return "unreachable";
    case ErrorCode::VersionMismatch: return "version_mismatch";
    case ErrorCode::NotPermitted: return "not_permitted";
    case ErrorCode::Busy: return "busy";
    case ErrorCode::CannotWrite: return "cannot_write";
    case ErrorCode::TargetGone: return "target_gone";
    case ErrorCode::Unsupported: return "unsupported";
    case ErrorCode::Cancelled: return "cancelled";
    case ErrorCode::Internal: return "internal";
    }
    return "internal";
}

std::string Error::text() const
{
    std::string result;
    for (auto frame = context.rbegin(); frame != context.rend(); ++frame)
        result += *frame + ": ";
    return result + message;
}

Error errnoError(int errnoValue, std::string_view doing)
{
    ErrorCode code = ErrorCode::Internal;
    switch (errnoValue) {
    case ENOENT:
    case ENOTDIR: code = ErrorCode::NotFound; break;
    case EACCES:
    case EPERM: code = ErrorCode::NotPermitted; break;
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EFBIG: code = ErrorCode::CannotWrite; break;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE: code = ErrorCode::Unreachable; break;
    default: break;
    }
    return Error{code, std::string(doing) + ": " + std::generic_category().message(errnoValue), {}};
}

} // namespace gantry
