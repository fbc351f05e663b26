#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace gantry::node {

/// What `gantryd certs init` is to make.
struct CertificateRequest
{
    std::filesystem::path folder;
    std::vector<std::string> hosts; ///< names and addresses under which clients reach the node; at least one
    int days = 365;                 ///< that the certificates of node and client are good for
};

/// Makes node.pem and client.pem with their keys in the folder, and ca.pem with ca.key, the authority that signs both, where it is not
/// there yet. Keys are for this user alone. Nothing is overwritten. Errors: BadInput (a host that is none, days), CannotWrite.
[[nodiscard]] Result<void> makeCertificates(const CertificateRequest& request);

/// Days until the first certificate of a PEM file is good no more, rounded down; negative: it is so already. Errors: BadInput.
[[nodiscard]] Result<std::int64_t> daysLeft(const std::filesystem::path& certificate);

} // namespace gantry::node
