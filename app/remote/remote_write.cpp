#include "app/remote/remote_write.h"

#include "app/remote/node_address.h"
#include "app/remote/secret_file.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <fmt/format.h>
#include <httplib.h>
#include <mutex>
#include <optional>

namespace gantry::app {
namespace {

constexpr std::size_t kMostWords = 600; // of what the server says

using Milliseconds = std::chrono::milliseconds;

struct Address
{
    std::string base, host, path; ///< "https://host:443", "host", "/api/v1/write"
    bool isSecure = false;
};

Result<Address> addressOf(const std::string& url)
{
    Address address;
    address.isSecure = url.starts_with("https://");
    const std::size_t begin = address.isSecure ? 8 : 7;
    if (!address.isSecure && !url.starts_with("http://"))
        return Error{ErrorCode::BadInput, fmt::format("'{}' is no address: write http://HOST:9090/api/v1/write", url), {}};
    const std::size_t slash = url.find('/', begin);
    address.base = url.substr(0, slash);
    address.path = slash == std::string::npos ? "/api/v1/write" : url.substr(slash);
    address.host = address.base.substr(begin);
    if (address.host.find('@') != std::string::npos)
        return Error{ErrorCode::BadInput, "the address holds a user or a password: use --user and --secret-file", {}};
    address.host =
        address.host.starts_with('[') ? address.host.substr(1, address.host.find(']') - 1) : address.host.substr(0, address.host.find(':'));
    if (address.host.empty())
        return Error{ErrorCode::BadInput, fmt::format("'{}' names no host: write http://HOST:9090/api/v1/write", url), {}};
    return address;
}

/// Waits, unless it is to stop.
void pause(Milliseconds time, const std::stop_token& stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, time, [] { return false; });
}

/// Seconds, as servers send it; a date is not worth a parser: the usual pause will do.
std::optional<Milliseconds> retryAfter(const httplib::Response& response)
{
    const std::string text = response.get_header_value("Retry-After");
    int seconds = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() || seconds < 0)
        return std::nullopt;
    return std::chrono::seconds(seconds);
}

std::string wordsOf(const httplib::Response& response)
{
    std::string words = response.body.substr(0, kMostWords);
    while (!words.empty() && (words.back() == '\n' || words.back() == '\r'))
        words.pop_back();
    return words.empty() ? std::string() : ": " + words;
}

/// Sends requests to one server.
class Sender
{
public:
    Sender(const RemoteWriteTarget& target, Address address, const RemoteWritePatience& patience)
        : m_address(std::move(address)), m_patience(patience), m_http(m_address.base)
    {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience.answer);
        const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(patience.answer - seconds);
        m_http.set_connection_timeout(seconds.count(), rest.count());
        m_http.set_read_timeout(seconds.count(), rest.count());
        m_http.set_write_timeout(seconds.count(), rest.count());
        m_http.set_keep_alive(true);
        m_http.set_follow_location(false); // a redirect takes the login along
        m_http.enable_server_certificate_verification(true);
        if (!target.caFile.empty())
            m_http.set_ca_cert_path(target.caFile.c_str());
    }

    void logIn(const std::string& user, const Secret& secret)
    {
        if (user.empty())
            m_http.set_bearer_token_auth(secret.cString());
        else
            m_http.set_basic_auth(user.c_str(), secret.cString());
    }

    Result<void> send(const std::string& body, const std::stop_token& stop)
    {
        const std::stop_callback end(stop, [this] { m_http.stop(); });
        Milliseconds wait = m_patience.firstPause;
        for (int tries = 1;; ++tries) {
            if (stop.stop_requested())
                return Error{ErrorCode::Cancelled, "it was stopped", {}};
            const auto response = m_http.Post(m_address.path.c_str(), m_headers, body, "application/x-protobuf");
            if (stop.stop_requested())
                continue;
            if (response && response->status / 100 == 2) {
                m_wasTaken = true;
                return {};
            }
            const Error failure = failureOf(response);
            const bool mayBeTakenLater = response ? response->status == 429 || response->status / 100 == 5 : m_wasTaken;
            if (!mayBeTakenLater || tries >= m_patience.mostTries)
                return failure;
            const auto wanted = response ? retryAfter(*response) : std::nullopt;
            pause(std::min(wanted.value_or(wait), m_patience.longestPause), stop);
            wait *= 2;
        }
    }

private:
    [[nodiscard]] Error failureOf(const httplib::Result& response) const
    {
        const std::string where = m_address.base + m_address.path;
        if (!response && response.error() == httplib::Error::SSLServerVerification)
            return {ErrorCode::NotPermitted,
                    fmt::format("the certificate of {} cannot be trusted: name the one that signed it with --ca-file", where),
                    {}};
        if (!response)
            return {ErrorCode::Unreachable, fmt::format("{} cannot be reached: {}", where, httplib::to_string(response.error())), {}};
        const int status = response->status;
        if (status == 401 || status == 403)
            return {
                ErrorCode::NotPermitted,
                fmt::format("{} refuses the login (status {}): name it with --user and --secret-file{}", where, status, wordsOf(*response)),
                {}};
        if (status == 404)
            return {ErrorCode::BadInput,
                    fmt::format(
                        "{} takes no samples (status 404): Prometheus does when it is started with --web.enable-remote-write-receiver{}",
                        where, wordsOf(*response)),
                    {}};
        if (status / 100 == 5 || status == 429)
            return {ErrorCode::Unreachable,
                    fmt::format("{} cannot take samples now (status {}): try again later{}", where, status, wordsOf(*response)),
                    {}};
        return {ErrorCode::BadInput, fmt::format("{} refuses the samples (status {}){}", where, status, wordsOf(*response)), {}};
    }

    Address m_address;
    RemoteWritePatience m_patience;
    httplib::Client m_http;
    httplib::Headers m_headers{{"Content-Encoding", "snappy"}, {"X-Prometheus-Remote-Write-Version", "0.1.0"}, {"User-Agent", "gantryctl"}};
    bool m_wasTaken = false; ///< one at least: the address is right
};

} // namespace

Result<void> remoteWrite(const RemoteWriteTarget& target, const std::vector<std::function<std::string()>>& bodies,
                         const std::function<void(std::size_t)>& onSent, const std::stop_token& stop, const RemoteWritePatience& patience)
{
    GANTRY_TRY(Address address, addressOf(target.url));
    Secret secret;
    if (!target.secretFile.empty()) {
        GANTRY_TRY(secret, readSecretFile(target.secretFile));
        if (!address.isSecure && !isLoopback(address.host))
            return Error{
                ErrorCode::NotPermitted,
                fmt::format("the password or token is not sent to {} in plain text: use https, or a tunnel that ends on this machine",
                            address.host),
                {}};
    }
    Sender sender(target, std::move(address), patience);
    if (!secret.isEmpty())
        sender.logIn(target.user, secret);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        GANTRY_CHECK(sender.send(bodies[i](), stop));
        onSent(i + 1);
    }
    return {};
}

} // namespace gantry::app
