#pragma once

#include "tests/support/event_script.h"
#include "trace_model/analysis/findings/findings.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::findings {

/// What the rules say of a script's trace, see tests/support/event_script.h.
struct Diagnosed
{
    explicit Diagnosed(std::string_view script) : Diagnosed(test::traceOf(script)) {}
    explicit Diagnosed(std::shared_ptr<const trace::Trace> ofTrace) : trace(std::move(ofTrace)), diagnosis(diagnose(*trace)) {}

    /// Null: the rule found nothing.
    [[nodiscard]] const Finding* find(std::string_view rule) const
    {
        const auto found =
            std::find_if(diagnosis.findings.begin(), diagnosis.findings.end(), [&](const Finding& each) { return each.rule == rule; });
        return found == diagnosis.findings.end() ? nullptr : &*found;
    }
    /// Empty: the rule found nothing.
    [[nodiscard]] std::string sentence(std::string_view rule) const { return find(rule) ? find(rule)->sentence : std::string(); }
    [[nodiscard]] bool wasSilent(std::string_view rule) const
    {
        return std::any_of(diagnosis.silent.begin(), diagnosis.silent.end(), [&](const RuleName& each) { return each.id == rule; });
    }
    /// Why a rule could not be judged; empty: it was.
    [[nodiscard]] std::string whyNot(std::string_view rule) const
    {
        for (const Unjudged& each : diagnosis.unjudged)
            if (each.rule.id == rule)
                return each.why;
        return {};
    }

    std::shared_ptr<const trace::Trace> trace;
    Diagnosis diagnosis;
};

/// A script that is written line by line; times in µs.
class Script
{
public:
    template <typename... Values>
    Script& line(fmt::format_string<Values...> format, Values&&... values)
    {
        m_text += fmt::format(format, std::forward<Values>(values)...) + '\n';
        return *this;
    }
    Script& window(int us) { return line("window 0..{}", us * 1000); }
    /// A kernel of that stream and the call that launched it, which begins `launch` µs before it and takes `call` µs.
    Script& kernel(int stream, int thread, int from, int to, int launch = 3, int call = 2, std::string_view options = {})
    {
        ++m_correlation;
        line("api {} cudaLaunchKernel {}..{} corr {}", thread, (from - launch) * 1000, (from - launch + call) * 1000, m_correlation);
        return line("kernel gpu0/stream{} gemm {}..{} corr {} {}", stream, from * 1000, to * 1000, m_correlation, options);
    }
    /// A copy and its call, which holds the thread as long as the copy takes.
    Script& copy(int stream, int thread, std::string_view direction, std::string_view memory, int from, int to,
                 std::string_view call = "cudaMemcpyAsync", int bytes = 4096)
    {
        ++m_correlation;
        line("api {} {} {}..{} corr {}", thread, call, (from - 2) * 1000, to * 1000, m_correlation);
        return line("memcpy gpu0/stream{} {} {} {}..{} bytes {} corr {}", stream, direction, memory, from * 1000, to * 1000, bytes,
                    m_correlation);
    }
    /// A request of model m that waits until `compute`, and is executed alone until `end` where there is a batch.
    Script& request(int id, int start, int compute, int end, int batch = 0)
    {
        line("request {} model m:1 {}..{} queue {}..{} compute_infer {}..{}{}", id, start * 1000, end * 1000, start * 1000, compute * 1000,
             compute * 1000, end * 1000, batch > 0 ? fmt::format(" batch {}", batch) : std::string());
        return *this;
    }
    Script& execution(int batch, int thread, int from, int to)
    {
        return line("execution {} thread {} model m:1 instance m_{} {}..{}", batch, thread, thread, from * 1000, to * 1000);
    }
    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    std::string m_text;
    int m_correlation = 0;
};

} // namespace gantry::findings
