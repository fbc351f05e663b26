#include "remote_server/inference/config_text.h"

#include <cctype>
#include <utility>
#include <vector>

namespace gantry::inference_server {
namespace {

/// Walks over protobuf text far enough to know names from values and brackets from strings; says nothing about what is wrong in it.
class TextWalk
{
public:
    explicit TextWalk(std::string_view text) : m_text(text) {}

    enum class Token { Name, Colon, Open, Close, ListOpen, ListClose, Other, End };

    Token next()
    {
        skipSpace();
        m_tokenLine = m_line;
        m_tokenColumn = m_column;
        if (m_at >= m_text.size())
            return Token::End;
        const char c = m_text[m_at];
        const std::size_t from = m_tokenBegin = m_at;
        step();
        if (std::isalpha(static_cast<unsigned char>(c)) || c == '_') {
            while (m_at < m_text.size() && (std::isalnum(static_cast<unsigned char>(m_text[m_at])) || m_text[m_at] == '_'))
                step();
            m_name = m_text.substr(from, m_at - from);
            return Token::Name;
        }
        switch (c) {
        case '"':
        case '\'':
            skipString(c);
            return Token::Other;
        case ':':
            return Token::Colon;
        case '{':
        case '<':
            return Token::Open;
        case '}':
        case '>':
            return Token::Close;
        case '[':
            return Token::ListOpen;
        case ']':
            return Token::ListClose;
        default:
            return Token::Other;
        }
    }

    [[nodiscard]] std::string_view name() const { return m_name; }
    [[nodiscard]] std::string_view written() const { return m_text.substr(m_tokenBegin, m_at - m_tokenBegin); }
    [[nodiscard]] int line() const { return m_tokenLine; }
    [[nodiscard]] int column() const { return m_tokenColumn; }

private:
    void step()
    {
        const char c = m_text[m_at++];
        if (c == '\n') {
            ++m_line;
            m_column = 0;
        } else {
            m_column += c == '\t' ? 8 - m_column % 8 : 1;
        }
    }

    void skipSpace()
    {
        while (m_at < m_text.size())
            if (m_text[m_at] == '#')
                while (m_at < m_text.size() && m_text[m_at] != '\n')
                    step();
            else if (std::isspace(static_cast<unsigned char>(m_text[m_at])))
                step();
            else
                return;
    }

    void skipString(char quote)
    {
        while (m_at < m_text.size() && m_text[m_at] != '\n') {
            const char c = m_text[m_at];
            step();
            if (c == quote)
                return;
            if (c == '\\' && m_at < m_text.size())
                step();
        }
    }

    std::string_view m_text, m_name;
    std::size_t m_at = 0, m_tokenBegin = 0;
    int m_line = 0, m_column = 0, m_tokenLine = 0, m_tokenColumn = 0;
};

} // namespace

std::string fieldAt(std::string_view text, int line, int column)
{
    using Token = TextWalk::Token;
    TextWalk walk(text);
    struct Around
    {
        std::string_view field;
        bool inList;
    };
    std::vector<Around> around;
    std::string_view field;
    bool inList = false, isValue = false; // after a colon and in a list of values, TYPE_FP32 and true look like names
    for (Token token = walk.next(); token != Token::End; token = walk.next()) {
        const bool isThere = walk.line() > line || (walk.line() == line && walk.column() >= column);
        const bool isField = token == Token::Name && !isValue && !inList;
        if (isThere && !isField)
            break;
        if (isField)
            field = walk.name();
        if (isThere)
            break;
        inList = token == Token::ListOpen || (inList && token != Token::ListClose);
        isValue = token == Token::Colon;
        if (token == Token::Open) {
            around.push_back({field, std::exchange(inList, false)});
            field = {};
        } else if (token == Token::Close && !around.empty()) {
            field = around.back().field;
            inList = around.back().inList;
            around.pop_back();
        }
    }
    std::string path;
    for (const Around& outer : around)
        path += std::string(outer.field) + ".";
    if (field.empty() && !path.empty())
        path.pop_back();
    return path + std::string(field);
}

std::optional<TextPlace> nameBefore(std::string_view text, TextPlace before, std::string_view field)
{
    TextWalk walk(text);
    std::optional<TextPlace> found;
    bool isValue = false;
    for (TextWalk::Token token = walk.next(); token != TextWalk::Token::End; token = walk.next()) {
        if (walk.line() > before.line || (walk.line() == before.line && walk.column() >= before.column))
            break;
        if (token == TextWalk::Token::Name && !isValue && walk.name() == field)
            found = TextPlace{walk.line(), walk.column()};
        isValue = token == TextWalk::Token::Colon;
    }
    return found;
}

std::string_view quotedFrom(std::string_view text, TextPlace from)
{
    TextWalk walk(text);
    for (TextWalk::Token token = walk.next(); token != TextWalk::Token::End; token = walk.next()) {
        const bool isThere = walk.line() > from.line || (walk.line() == from.line && walk.column() >= from.column);
        const std::string_view written = walk.written();
        if (isThere && written.size() >= 2 && (written.front() == '"' || written.front() == '\''))
            return written.substr(1, written.size() - 2);
    }
    return {};
}

Nesting deepestNesting(std::string_view text)
{
    TextWalk walk(text);
    Nesting deepest;
    int depth = 0;
    for (TextWalk::Token token = walk.next(); token != TextWalk::Token::End; token = walk.next())
        if (token == TextWalk::Token::Open && ++depth > deepest.depth)
            deepest = {walk.line(), walk.column(), depth};
        else if (token == TextWalk::Token::Close && depth > 0)
            --depth;
    return deepest;
}

} // namespace gantry::inference_server
