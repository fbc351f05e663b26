#include "remote_server/inference/protocol_status.h"

#include <nlohmann/json.hpp>

namespace gantry::inference_server {
namespace {

struct Status
{
    grpc::StatusCode grpc;
    int http;
};

Status statusOf(ErrorCode code)
{
    switch (code) {
    case ErrorCode::BadInput:
        return {grpc::StatusCode::INVALID_ARGUMENT, 400};
    case ErrorCode::NotFound:
        return {grpc::StatusCode::NOT_FOUND, 404};
    case ErrorCode::Unreachable:
        return {grpc::StatusCode::UNAVAILABLE, 503};
    case ErrorCode::Unsupported:
        return {grpc::StatusCode::UNIMPLEMENTED, 501};
    case ErrorCode::Busy:
        return {grpc::StatusCode::ALREADY_EXISTS, 400}; // Triton has no 409
    case ErrorCode::Cancelled:
        return {grpc::StatusCode::CANCELLED, 499}; // "client closed request", as web servers log it
    default:
        return {grpc::StatusCode::INTERNAL, 500};
    }
}

} // namespace

grpc::Status grpcStatusOf(const Error& error)
{
    return {statusOf(error.code).grpc, error.text()};
}

int httpStatusOf(const Error& error)
{
    return statusOf(error.code).http;
}

std::string errorJson(const std::string& sentence)
{
    const nlohmann::json object = {{"error", sentence}};
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); // a client's bytes may be in it
}

} // namespace gantry::inference_server
