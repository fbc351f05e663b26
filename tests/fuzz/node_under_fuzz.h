#pragma once

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace gantry::fuzz {

/// A node service with a real capture engine on a real server, on a unix socket, that is called with whatever arrives. The one program that
/// requests begin with is /bin/true. One thread.
class NodeUnderFuzz
{
public:
    NodeUnderFuzz();
    NodeUnderFuzz(const NodeUnderFuzz&) = delete;
    NodeUnderFuzz& operator=(const NodeUnderFuzz&) = delete;
    ~NodeUnderFuzz();

    [[nodiscard]] const std::vector<const google::protobuf::MethodDescriptor*>& methods() const;
    /// Names that the node knows: of reports, targets and captures that have been.
    [[nodiscard]] const std::vector<std::string>& names() const;

    /// A request that the method takes, where one of no values is not; else empty.
    [[nodiscard]] static std::string goodRequest(const google::protobuf::MethodDescriptor& method);
    /// Methods that were called with a request that they took.
    [[nodiscard]] const std::set<std::string>& answered() const;

    /// Calls a method with these bytes, or two parts of them where it takes a stream, and ends the program where the answer is not one that
    /// a client may get.
    void call(const google::protobuf::MethodDescriptor& method, const std::string& bytes);
    /// Ends the program unless the service answers a good request and nothing outside of its folders has changed.
    void check();

private:
    struct Parts;
    std::unique_ptr<Parts> m_parts;
};

} // namespace gantry::fuzz
