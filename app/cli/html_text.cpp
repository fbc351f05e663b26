#include "app/cli/html_text.h"

#include <fmt/format.h>

namespace gantry::cli {
namespace {

/// Colours of two sides and of what is better and worse, told apart by the colour-blind too; dark where the reader's system is.
constexpr const char* kStyle = R"(
:root{--back:#fff;--text:#1c2430;--dim:#5c6775;--line:#d5dae1;--a:#6b7a8f;--b:#0a6ebd;--bad:#b3400e;--good:#0a6ebd}
@media(prefers-color-scheme:dark){:root{--back:#161a20;--text:#e4e8ee;--dim:#98a3b1;--line:#333b46;--a:#9aa7b8;--b:#58b0f5;--bad:#f08a4b;--good:#58b0f5}}
body{background:var(--back);color:var(--text);font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em}h2{font-size:1.1em;margin-top:2em}p.dim,td.dim{color:var(--dim)}
table{border-collapse:collapse;font-size:13px;width:100%}th,td{padding:2px 8px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere}
.worse{color:var(--bad)}.better{color:var(--good)}.scroll{overflow-x:auto}
svg text{fill:var(--text);font:12px system-ui,sans-serif}
)";

} // namespace

std::string htmlEscaped(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        default:
            result += c;
        }
    }
    return result;
}

std::string htmlPage(std::string_view title, std::string_view body)
{
    return fmt::format("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
                       "content='width=device-width'><title>{0}</title><style>{1}</style>"
                       "<h1>{0}</h1>{2}</html>\n",
                       htmlEscaped(title), kStyle, body);
}

} // namespace gantry::cli
