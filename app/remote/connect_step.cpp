#include "app/remote/connect_step.h"

namespace gantry::app {

std::string_view name(ConnectStep step)
{
    switch (step) {
    case ConnectStep::Resolve:
        return "resolve";
    case ConnectStep::Connect:
        return "connect";
    case ConnectStep::HostKey:
        return "host key";
    case ConnectStep::Authenticate:
        return "authenticate";
    case ConnectStep::Check:
        return "check";
    case ConnectStep::Deploy:
        return "deploy";
    case ConnectStep::Start:
        return "start";
    case ConnectStep::Ready:
        return "ready";
    }
    return "";
}

} // namespace gantry::app
