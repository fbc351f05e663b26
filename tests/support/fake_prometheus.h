#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gantry::test {

/// What a Prometheus server says over HTTP, on a port of 127.0.0.1; answers are those of the test. Throws std::runtime_error where it
/// cannot listen.
class FakePrometheus
{
public:
    struct Request
    {
        std::string path, authorization, body;
        std::map<std::string, std::string> headers;
        std::map<std::string, std::string> parameters; ///< of a form
    };
    struct Answer
    {
        int status = 200;
        std::string body;
        std::map<std::string, std::string> headers;
        const char* type = "application/json"; ///< which is packed for those who can unpack it
    };
    /// On a thread of the server.
    using Respond = std::function<Answer(const Request&)>;

    explicit FakePrometheus(Respond respond);
    ~FakePrometheus();

    [[nodiscard]] std::string url() const; ///< "http://127.0.0.1:PORT"
    /// What came so far, oldest first.
    [[nodiscard]] std::vector<Request> requests() const;

    /// An answer with one series of labels {"job": "fake"} and a value for each step that was asked for.
    [[nodiscard]] static Answer constant(const Request& request, double value);
    [[nodiscard]] static Answer failure(int status, const std::string& message);

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace gantry::test
