#include "trace_model/metrics/metric_query.h"

#include "trace_model/metrics/metric_query_node.h"
#include "trace_model/metrics/prometheus_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace gantry::metrics {
namespace {

constexpr std::size_t kLongestText = 2000;
constexpr int kDeepest = 20;

bool isNameChar(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':' || c == '.';
}

} // namespace

/// Recursive descent; the first error ends it.
class MetricQuery::Parser
{
public:
    using NodePtr = std::shared_ptr<const Node>;

    explicit Parser(std::string_view text) : m_text(text) {}

    Result<NodePtr> parse()
    {
        GANTRY_TRY(NodePtr root, sum(0));
        skipSpace();
        if (m_at != m_text.size())
            return expected("an operator or the end");
        return root;
    }

private:
    [[nodiscard]] Error expected(std::string_view what) const
    {
        return {ErrorCode::BadInput,
                fmt::format("'{}' cannot be read: {} is expected {}", m_text, what,
                            m_at < m_text.size() ? fmt::format("before '{}'", m_text.substr(m_at, 20)) : "at the end"),
                {}};
    }
    void skipSpace()
    {
        while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\n' || m_text[m_at] == '\t'))
            ++m_at;
    }
    bool take(char c)
    {
        skipSpace();
        if (m_at == m_text.size() || m_text[m_at] != c)
            return false;
        ++m_at;
        return true;
    }
    std::string takeName()
    {
        skipSpace();
        std::size_t end = m_at;
        while (end < m_text.size() && isNameChar(m_text[end]))
            ++end;
        const std::size_t begin = std::exchange(m_at, end);
        return std::string(m_text.substr(begin, end - begin));
    }

    /// Operators of one rank from the left.
    Result<NodePtr> chain(int depth, std::string_view operators, Result<NodePtr> (Parser::*operand)(int))
    {
        GANTRY_TRY(NodePtr left, (this->*operand)(depth));
        for (;;) {
            skipSpace();
            if (m_at == m_text.size() || operators.find(m_text[m_at]) == std::string_view::npos)
                return left;
            Node both;
            both.kind = Node::Kind::Operation;
            both.operation = m_text[m_at++];
            GANTRY_TRY(NodePtr right, (this->*operand)(depth));
            both.operands = {std::move(left), std::move(right)};
            left = std::make_shared<const Node>(std::move(both));
        }
    }
    Result<NodePtr> sum(int depth) { return chain(depth, "+-", &Parser::product); }
    Result<NodePtr> product(int depth) { return chain(depth, "*/", &Parser::term); }

    Result<NodePtr> term(int depth)
    {
        if (depth > kDeepest)
            return Error{ErrorCode::BadInput, "a query has fewer brackets in each other than that", {}};
        if (take('(')) {
            GANTRY_TRY(NodePtr inner, sum(depth + 1));
            if (!take(')'))
                return expected("')'");
            return inner;
        }
        skipSpace();
        if (m_at < m_text.size() && std::isdigit(static_cast<unsigned char>(m_text[m_at])) != 0)
            return number();
        const std::string name = takeName();
        if (name.empty())
            return expected("a metric");
        if (isAggregate(name) && isOpening())
            return aggregate(name, depth);
        if (take('('))
            return call(name, depth);
        return selector(Node::Kind::Series, name);
    }

    Result<NodePtr> number()
    {
        Node node;
        const auto [end, error] = std::from_chars(m_text.data() + m_at, m_text.data() + m_text.size(), node.number);
        if (error != std::errc())
            return expected("a number");
        m_at = static_cast<std::size_t>(end - m_text.data());
        return std::make_shared<const Node>(std::move(node));
    }

    static bool isAggregate(const std::string& name) { return name == "sum" || name == "avg" || name == "min" || name == "max"; }
    /// Whether a bracket or "by" comes: else it is a metric of that name.
    bool isOpening()
    {
        skipSpace();
        return m_text.substr(m_at, 1) == "(" || m_text.substr(m_at, 3) == "by " || m_text.substr(m_at, 3) == "by(";
    }

    Result<NodePtr> aggregate(const std::string& name, int depth)
    {
        Node node;
        node.kind = Node::Kind::Aggregate;
        node.name = name;
        if (m_text.substr(m_at, 2) == "by") {
            m_at += 2;
            if (!take('('))
                return expected("'(' and labels");
            do {
                node.by.push_back(takeName());
                if (node.by.back().empty())
                    return expected("a label");
            } while (take(','));
            if (!take(')'))
                return expected("')'");
        }
        if (!take('('))
            return expected("'('");
        GANTRY_TRY(NodePtr inner, sum(depth + 1));
        if (!take(')'))
            return expected("')'");
        node.operands = {std::move(inner)};
        return std::make_shared<const Node>(std::move(node));
    }

    /// Behind the bracket.
    Result<NodePtr> call(const std::string& name, int depth)
    {
        if (name == "any")
            return any(depth);
        Node::Kind kind = Node::Kind::Quantile;
        double quantile = 0;
        if (name == "rate")
            kind = Node::Kind::Rate;
        else if (name == "delta")
            kind = Node::Kind::Delta;
        else if (const auto percent = percentOf(name))
            quantile = *percent / 100;
        else
            return Error{ErrorCode::BadInput,
                         fmt::format("'{}' is no function: there are rate, delta, p50 to p99.9, any, sum, avg, min and max", name),
                         {}};
        const std::string metric = takeName();
        if (metric.empty())
            return expected("a metric");
        GANTRY_TRY(const NodePtr of, selector(kind, metric));
        if (!take(')'))
            return expected("')'");
        Node node = *of;
        node.number = quantile;
        return std::make_shared<const Node>(std::move(node));
    }

    /// Of "p99.9".
    static std::optional<double> percentOf(const std::string& name)
    {
        double percent = 0;
        if (name.size() < 2 || name.front() != 'p')
            return {};
        const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), percent, std::chars_format::fixed);
        const bool isOne = error == std::errc() && end == name.data() + name.size() && percent > 0 && percent < 100;
        return isOne ? std::optional(percent) : std::nullopt;
    }

    Result<NodePtr> any(int depth)
    {
        Node node;
        node.kind = Node::Kind::Any;
        do {
            GANTRY_TRY(NodePtr one, sum(depth + 1));
            node.operands.push_back(std::move(one));
        } while (take(','));
        if (!take(')'))
            return expected("',' or ')'");
        return std::make_shared<const Node>(std::move(node));
    }

    Result<NodePtr> selector(Node::Kind kind, const std::string& name)
    {
        Node node;
        node.kind = kind;
        node.name = name;
        if (take('{')) {
            bool isQuoted = false;
            std::size_t end = m_at;
            for (; end < m_text.size() && (isQuoted || m_text[end] != '}'); ++end)
                isQuoted ^= m_text[end] == '"' && m_text[end - 1] != '\\';
            node.labels = parseLabels(m_text.substr(m_at, end - m_at));
            const bool isEmpty = m_text.substr(m_at, end - m_at).find_first_not_of(' ') == std::string_view::npos;
            if (end == m_text.size() || (node.labels.empty() && !isEmpty))
                return expected("labels such as model=\"bert\"}");
            m_at = end + 1;
        }
        return std::make_shared<const Node>(std::move(node));
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

Result<MetricQuery> MetricQuery::parse(std::string_view text)
{
    if (text.size() > kLongestText)
        return Error{ErrorCode::BadInput, fmt::format("a query has {} characters at most", kLongestText), {}};
    MetricQuery query;
    query.m_text = text;
    GANTRY_TRY(query.m_root, Parser(text).parse());
    return query;
}

std::vector<std::string> MetricQuery::names() const
{
    std::vector<std::string> found;
    std::vector<const Node*> open;
    if (m_root)
        open.push_back(m_root.get());
    while (!open.empty()) {
        const Node& node = *open.back();
        open.pop_back();
        for (const auto& operand : node.operands)
            open.push_back(operand.get());
        if (node.kind == Node::Kind::Quantile)
            found.push_back(node.name + "_bucket");
        if (!node.name.empty() && node.kind != Node::Kind::Aggregate)
            found.push_back(node.name);
    }
    return found;
}

} // namespace gantry::metrics
