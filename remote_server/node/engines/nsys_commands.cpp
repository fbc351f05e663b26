#include "remote_server/node/engines/nsys_commands.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

namespace gantry::node {
namespace {

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

/// What stands in 'quotes' up to the end of the sentence.
std::set<std::string> valuesIn(std::string_view paragraph)
{
    std::set<std::string> values;
    const std::size_t begin = paragraph.find("Possible values are");
    if (begin == std::string_view::npos)
        return values;
    paragraph = paragraph.substr(begin, paragraph.find(".\n", begin) - begin);
    if (paragraph.find('`') != std::string_view::npos || paragraph.find("example") != std::string_view::npos)
        return values; // forms of values, not values
    for (std::size_t open = paragraph.find('\''); open != std::string_view::npos;) {
        const std::size_t close = paragraph.find('\'', open + 1);
        if (close == std::string_view::npos)
            break;
        values.emplace(paragraph.substr(open + 1, close - open - 1));
        open = paragraph.find('\'', close + 1);
    }
    return values;
}

/// A command whose switches are spelled as this nsys spells them.
class Command
{
public:
    Command(const NsysInstallation& nsys, const NsysSwitches& switches, const char* verb)
        : m_nsys(nsys), m_switches(switches), m_words{nsys.program.string(), verb}
    {
    }

    /// The first of the spellings that it knows; the newest stands first.
    void add(std::initializer_list<const char*> spellings, std::initializer_list<std::string> values)
    {
        const auto known = std::find_if(spellings.begin(), spellings.end(), [&](const char* name) { return m_switches.has(name); });
        if (known == spellings.end())
            return refuse(std::string("has no switch ") + *spellings.begin());
        const auto value =
            std::find_if(values.begin(), values.end(), [&](const std::string& one) { return m_switches.takes(*known, one); });
        if (value == values.end())
            return refuse(std::string("does not take ") + *known + "=" + *values.begin());
        m_words.push_back(std::string(*known) + "=" + *value);
    }
    void add(std::string word) { m_words.push_back(std::move(word)); }

    [[nodiscard]] Result<std::vector<std::string>> words() const
    {
        if (m_problem)
            return *m_problem;
        return m_words;
    }

private:
    void refuse(const std::string& what)
    {
        if (!m_problem)
            m_problem = Error{ErrorCode::Unsupported,
                              m_nsys.program.string() + (m_nsys.version.empty() ? "" : " " + m_nsys.version) + " " + what +
                                  ": leave the option out, or install a newer Nsight Systems on the node",
                              {}};
    }

    const NsysInstallation& m_nsys;
    const NsysSwitches& m_switches;
    std::vector<std::string> m_words;
    std::optional<Error> m_problem;
};

bool isScope(const std::string& value)
{
    return value.empty() || value == "none" || value == "process-tree" || value == "system-wide";
}

Result<void> check(const proto::NsysLaunchOptions& options)
{
    for (const std::string& api : options.trace)
        if (api.empty() || api.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
            return badInput("\"" + api + "\" is nothing that nsys traces: write cuda, nvtx, osrt, cublas, cudnn, mpi, ...");
    if (!options.cudaGraphTrace.empty() && options.cudaGraphTrace != "graph" && options.cudaGraphTrace != "node")
        return badInput("CUDA graphs are traced by graph or by node, not by \"" + options.cudaGraphTrace + "\"");
    return {};
}

Result<void> check(const proto::NsysWindowOptions& options)
{
    if (!isScope(options.sample))
        return badInput("CPU samples are none, process-tree or system-wide, not \"" + options.sample + "\"");
    if (!isScope(options.contextSwitches))
        return badInput("context switches are none, process-tree or system-wide, not \"" + options.contextSwitches + "\"");
    const std::string& devices = options.gpuMetricsDevices;
    if (!devices.empty() && devices != "none" && devices != "all" && devices.find_first_not_of("0123456789,") != std::string::npos)
        return badInput("the GPUs whose metrics nsys samples are all, or numbers such as 0,1, not \"" + devices + "\"");
    if (options.gpuMetricsHz != 0 && (options.gpuMetricsHz < 10 || options.gpuMetricsHz > 200'000))
        return badInput("nsys samples metrics at 10 Hz to 200 kHz");
    return {};
}

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ",") + word;
    return text;
}

std::string orNone(const std::string& value)
{
    return value.empty() ? "none" : value;
}

} // namespace

NsysSwitches NsysSwitches::parse(std::string_view help)
{
    NsysSwitches switches;
    std::string current;
    std::string paragraph;
    const auto finish = [&] {
        if (!current.empty())
            switches.m_values[current] = valuesIn(paragraph);
        current.clear();
        paragraph.clear();
    };
    while (!help.empty()) {
        const std::size_t end = std::min(help.find('\n'), help.size() - 1);
        const std::string_view line = help.substr(0, end + 1);
        help.remove_prefix(end + 1);
        // "\t-t, --trace=": texts of switches stand deeper.
        const std::string_view word = line.substr(std::min(line.size(), line.find_first_not_of(" \t")));
        const std::size_t name = line.find("--");
        const bool isHead = name != std::string_view::npos && (word.starts_with("-") || word.starts_with("(Deprecated)")) &&
                            line.substr(name).find(' ') == std::string_view::npos;
        if (!isHead) {
            paragraph += line;
            continue;
        }
        finish();
        if (!word.starts_with("(")) // those do nothing any more
            current = line.substr(name, line.find_first_of("=[\n", name) - name);
    }
    finish();
    return switches;
}

bool NsysSwitches::takes(const std::string& name, const std::string& value) const
{
    const auto found = m_values.find(name);
    if (found == m_values.end() || found->second.empty())
        return true;
    std::string_view rest = value; // lists of values are joined with commas
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        if (!found->second.contains(std::string(rest.substr(0, comma))))
            return false;
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return true;
}

Result<std::vector<std::string>> nsysLaunchCommand(const NsysInstallation& nsys, const std::string& session,
                                                   const proto::NsysLaunchOptions& options, const std::vector<std::string>& program)
{
    GANTRY_CHECK(check(options));
    Command command(nsys, nsys.launchSwitches, "launch");
    command.add({"--session-new"}, {session});
    command.add({"--trace"}, {options.trace.empty() ? "cuda,nvtx" : joined(options.trace)});
    if (!options.cudaGraphTrace.empty())
        command.add({"--cuda-graph-trace"}, {options.cudaGraphTrace});
    if (options.cudaMemoryUsage)
        command.add({"--cuda-memory-usage"}, {"true"});
    if (options.traceForkBeforeExec)
        command.add({"--trace-fork-before-exec"}, {"true"});
    command.add({"--wait"}, {"primary"}); // the target ends with its program
    GANTRY_TRY(auto words, command.words());
    words.insert(words.end(), program.begin(), program.end());
    return words;
}

Result<std::vector<std::string>> nsysStartCommand(const NsysInstallation& nsys, const std::string& session,
                                                  const proto::NsysWindowOptions& options, const std::filesystem::path& output)
{
    GANTRY_CHECK(check(options));
    std::string name; // nsys replaces %h, %p and the like in it
    for (const char c : output.string())
        name += c == '%' ? std::string("%%") : std::string(1, c);
    Command command(nsys, nsys.startSwitches, "start");
    command.add("--session=" + session);
    command.add({"--output"}, {name});
    command.add({"--force-overwrite"}, {"true"});
    // Until 2021 the scope of one's own processes was called "cpu".
    if (options.sample == "process-tree")
        command.add({"--sample"}, {"process-tree", "cpu"});
    else
        command.add({"--sample"}, {orNone(options.sample)});
    command.add({"--cpuctxsw"}, {orNone(options.contextSwitches)});
    if (!options.gpuMetricsDevices.empty() && options.gpuMetricsDevices != "none") {
        command.add({"--gpu-metrics-devices", "--gpu-metrics-device"}, {options.gpuMetricsDevices});
        if (options.gpuMetricsHz > 0)
            command.add({"--gpu-metrics-frequency"}, {std::to_string(options.gpuMetricsHz)});
    }
    return command.words();
}

std::vector<std::string> nsysStopCommand(const NsysInstallation& nsys, const std::string& session)
{
    return {nsys.program.string(), "stop", "--session=" + session};
}

} // namespace gantry::node
