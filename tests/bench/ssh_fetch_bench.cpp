// Reports and calls over SSH against their floors in the same run, over a loopback sshd of its own: a fetch against scp with its defaults
// and against bare libssh (64 SFTP reads in flight, AES-GCM), a call against the echo of a bare libssh channel; then a fetch that is cut
// again and again. Guards the choice of cipher, the sizes of the pump's reads and that digests are made beside the fetch. usage:
// ssh_fetch_bench [MIB [ROUNDS [CUTS]]]

#include "app/remote/node_client.h"
#include "app/remote/report_fetcher.h"
#include "tests/support/child_process.h"
#include "tests/support/sshd_fixture.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/base/digest.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <libssh/libssh.h>
#include <libssh/sftp.h>
#include <random>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace gantry::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double secondsOf(const std::function<void()>& work)
{
    const auto begin = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values.at(values.size() / 2);
}

template <typename Value>
Value need(Result<Value> result)
{
    if (!result)
        throw std::runtime_error(result.error().text());
    return std::move(*result);
}

void check(bool isGood, const std::string& what)
{
    if (!isGood)
        throw std::runtime_error(what);
}

/// A bare session, as fast as libssh makes one.
class BareSession
{
public:
    explicit BareSession(const test::SshdFixture& sshd) : m_session(ssh_new())
    {
        const int port = sshd.port(), yes = 1, no = 0;
        ssh_options_set(m_session, SSH_OPTIONS_PROCESS_CONFIG, &no);
        ssh_options_set(m_session, SSH_OPTIONS_HOST, "127.0.0.1");
        ssh_options_set(m_session, SSH_OPTIONS_PORT, &port);
        ssh_options_set(m_session, SSH_OPTIONS_NODELAY, &yes);
        for (const auto direction : {SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C})
            ssh_options_set(m_session, direction, "aes128-gcm@openssh.com");
        ssh_key key = nullptr;
        check(ssh_connect(m_session) == SSH_OK, "libssh does not connect");
        check(ssh_pki_import_privkey_file(sshd.clientKey().c_str(), nullptr, nullptr, nullptr, &key) == SSH_OK &&
                  ssh_userauth_publickey(m_session, nullptr, key) == SSH_AUTH_SUCCESS,
              "libssh is not let in");
        ssh_key_free(key);
    }
    ~BareSession()
    {
        ssh_disconnect(m_session);
        ssh_free(m_session);
    }
    BareSession(const BareSession&) = delete;
    BareSession& operator=(const BareSession&) = delete;
    [[nodiscard]] ssh_session get() const { return m_session; }

private:
    ssh_session m_session;
};

/// 64 reads of 32 KiB in flight, awaited in their order; what arrives is written to a file.
void readBySftp(const BareSession& session, const std::filesystem::path& from, const std::filesystem::path& to, std::uint64_t size)
{
    constexpr std::uint32_t kRead = 32 * 1024;
    constexpr std::size_t kInFlight = 64;
    sftp_session sftp = sftp_new(session.get());
    check(sftp && sftp_init(sftp) == SSH_OK, "no SFTP");
    sftp_file file = sftp_open(sftp, from.c_str(), 0, 0);
    check(file, "SFTP does not open the file");
    std::ofstream out(to, std::ios::binary);
    std::vector<char> bytes(kRead);
    std::deque<std::uint32_t> reads;
    for (std::uint64_t asked = 0, got = 0; got < size;) {
        for (; reads.size() < kInFlight && asked < size; asked += kRead)
            reads.push_back(static_cast<std::uint32_t>(sftp_async_read_begin(file, kRead)));
        const int count = sftp_async_read(file, bytes.data(), kRead, reads.front());
        reads.pop_front();
        check(count > 0 && (got + static_cast<std::uint64_t>(count) == size || count == kRead), "a short read of SFTP");
        out.write(bytes.data(), count);
        got += static_cast<std::uint64_t>(count);
    }
    sftp_close(file);
    sftp_free(sftp);
}

/// Median of a small message there and back, s.
double echoSeconds(const BareSession& session, int count)
{
    ssh_channel channel = ssh_channel_new(session.get());
    check(ssh_channel_open_session(channel) == SSH_OK && ssh_channel_request_exec(channel, "cat") == SSH_OK, "no channel");
    char message[64] = {};
    std::vector<double> times;
    for (int i = 0; i < count; ++i)
        times.push_back(secondsOf([&] {
            check(ssh_channel_write(channel, message, sizeof message) == sizeof message, "no write");
            for (int got = 0; got < static_cast<int>(sizeof message);)
                got += std::max(0, ssh_channel_read(channel, message, sizeof message, 0));
        }));
    ssh_channel_free(channel);
    return median(std::move(times));
}

double callSeconds(app::NodeClient& client, int count)
{
    std::vector<double> times;
    for (int i = 0; i < count; ++i)
        times.push_back(secondsOf([&] { (void)need(client.exchangeClocks({})); }));
    return median(std::move(times));
}

class Bench
{
public:
    explicit Bench(std::uint64_t bytes) : m_bytes(bytes)
    {
        std::filesystem::create_directory(m_folder / "reports");
        std::filesystem::permissions(m_folder.path(), std::filesystem::perms::owner_all);
        makeReport();
        m_daemon = std::make_unique<test::ChildProcess>(std::vector<std::string>{
            GANTRYD, "--socket", m_folder / "d.sock", "--report-folder", m_folder / "reports", "--ready-file", m_folder / "ready"});
        check(test::eventually([&] { return std::filesystem::exists(m_folder / "ready"); }), "gantryd is not ready");
        m_config = m_sshd.writeConfig();
        m_client =
            need(app::NodeClient::connect("ssh://node?config=" + m_config.string() + "&socket=" + (m_folder / "d.sock").string(), "bench"));
        m_local = need(app::NodeClient::connect("unix:" + (m_folder / "d.sock").string(), "bench"));
    }

    void compare(int rounds)
    {
        std::vector<double> ours, scp, synced, floor, call, direct, echo;
        for (int i = 0; i < rounds; ++i) {
            ours.push_back(fetch());
            scp.push_back(secondsOf([&] {
                const std::string command =
                    "scp -q -F " + m_config.string() + " node:" + report().string() + " " + (m_folder / "scp").string();
                check(std::system(command.c_str()) == 0, "scp failed");
            }));
            synced.push_back(scp.back() +
                             secondsOf([&] { check(std::system(("sync " + (m_folder / "scp").string()).c_str()) == 0, "no sync"); }));
            const BareSession bulk(m_sshd);
            floor.push_back(secondsOf([&] { readBySftp(bulk, report(), m_folder / "floor", m_bytes); }));
            call.push_back(callSeconds(*m_client, 1000));
            direct.push_back(callSeconds(*m_local, 1000));
            const BareSession bare(m_sshd);
            echo.push_back(echoSeconds(bare, 1000));
        }
        const auto rate = [&](const std::vector<double>& seconds) { return static_cast<double>(m_bytes) / median(seconds) / 1e6; };
        std::printf("{\"mib\": %llu, \"fetch_mb_s\": %.0f, \"scp_mb_s\": %.0f, \"scp_synced_mb_s\": %.0f, \"libssh_mb_s\": %.0f, "
                    "\"fetch_over_scp\": %.2f, "
                    "\"fetch_over_libssh\": %.2f, \"call_us\": %.0f, \"direct_call_us\": %.0f, \"echo_us\": %.0f, \"call_over_echo\": "
                    "%.2f, \"rss_mib\": %.0f}\n",
                    static_cast<unsigned long long>(m_bytes >> 20), rate(ours), rate(scp), rate(synced), rate(floor),
                    rate(ours) / rate(scp), rate(ours) / rate(floor), median(call) * 1e6, median(direct) * 1e6, median(echo) * 1e6,
                    median(call) / median(echo), rssMib());
        std::fflush(stdout);
    }

    /// Kills sshd's processes of all connections at random bytes of the fetch.
    void cut(int wanted)
    {
        std::minstd_rand random(7);
        std::vector<std::uint64_t> places;
        for (int i = 0; i < wanted; ++i)
            places.push_back((std::uint64_t{random()} << 20 | random() % (1 << 20)) % m_bytes);
        std::sort(places.begin(), places.end());
        std::size_t cuts = 0;
        const double seconds = fetch([&](std::uint64_t bytes, std::uint64_t) {
            if (cuts == places.size() || bytes < places[cuts])
                return;
            ++cuts;
            for (const int pid : m_sshd.connections())
                ::kill(pid, SIGKILL);
        });
        std::printf("{\"cuts\": %zu, \"seconds\": %.1f, \"same_sha256\": true, \"rss_mib\": %.0f}\n", cuts, seconds, rssMib());
    }

private:
    [[nodiscard]] std::filesystem::path report() const { return m_folder / "reports/big.gantry"; }

    static double rssMib()
    {
        rusage use{};
        getrusage(RUSAGE_SELF, &use);
        return static_cast<double>(use.ru_maxrss) / 1024;
    }

    void makeReport()
    {
        std::mt19937_64 random(1);
        std::vector<std::uint64_t> block(1 << 17); // 1 MiB
        std::ofstream file(report(), std::ios::binary);
        for (std::uint64_t at = 0; at < m_bytes; at += 1 << 20) {
            std::generate(block.begin(), block.end(), random);
            file.write(reinterpret_cast<const char*>(block.data()), 1 << 20);
        }
        file.close();
        m_sha256 = need(sha256OfFile(report()));
    }

    double fetch(const std::function<void(std::uint64_t, std::uint64_t)>& progress = {})
    {
        const auto to = m_folder / "fetched";
        std::filesystem::remove(to);
        const double seconds = secondsOf([&] {
            const auto fetched = need(app::fetchReport(*m_client, "big.gantry", to, progress, {}));
            check(fetched.sha256 == m_sha256 && fetched.bytes == m_bytes, "another file");
        });
        return seconds;
    }

    const std::uint64_t m_bytes;
    test::TemporaryFolder m_folder;
    test::SshdFixture m_sshd;
    std::string m_sha256;
    std::filesystem::path m_config;
    std::unique_ptr<test::ChildProcess> m_daemon;
    std::shared_ptr<app::NodeClient> m_client, m_local; ///< over SSH, and to the same socket
};

} // namespace
} // namespace gantry::bench

int main(int argc, char** argv)
{
    const auto number = [&](int place, int usual) { return argc > place ? std::atoi(argv[place]) : usual; };
    try {
        gantry::bench::Bench bench(static_cast<std::uint64_t>(number(1, 1024)) << 20);
        bench.compare(number(2, 3));
        if (number(3, 20) > 0)
            bench.cut(number(3, 20));
    } catch (const std::exception& exception) {
        std::fprintf(stderr, "ssh_fetch_bench: %s\n", exception.what());
        return 1;
    }
    return 0;
}
