#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace gantry {

/// What went wrong, as something a caller can branch on. The sentence for the user is in Error::message.
enum class ErrorCode
{
    BadInput,           ///< a value, file or message that does not parse
    NotAReport,         ///< the file is not in a format Gantry knows
    UnsupportedVersion, ///< known format, version from the future or too old
    Truncated,          ///< a file or stream ends before it should
    NotFound,           ///< no such file, report, target or session
    Unreachable,        ///< the node does not answer
    VersionMismatch,    ///< client and daemon speak different protocol versions
    NotPermitted,       ///< wrong token, missing right, refused by policy
    Busy,               ///< somebody else holds it (a capture window is open)
    CannotWrite,        ///< disk full, read-only, no folder
    TargetGone,         ///< the target process ended
    Unsupported,        ///< this build, machine or driver cannot do it
    Cancelled,          ///< the user or a shutdown asked to stop
    Internal,           ///< a bug of ours, or a library failure without better name
};

/// Exit status of a command-line program that ends with this error: 65, 69, 73, 75 or 77 of sysexits.h, else 2 ("cannot say").
[[nodiscard]] int exitStatus(ErrorCode code);

/// Stable lower-case name of a code, as in gantryctl's JSON ("not_found").
[[nodiscard]] std::string_view name(ErrorCode code);

/// One failure: a code to branch on, a sentence with cause and next step, and frames added on the way up (innermost first).
struct Error
{
    ErrorCode code = ErrorCode::Internal;
    std::string message;
    std::vector<std::string> context;

    /// The message with its frames: "opening report a.gantry: the file is truncated".
    [[nodiscard]] std::string text() const;
};

/// A value or an Error; shaped like std::expected so that it can become it.
template <typename T>
class [[nodiscard]] Result
{
public:
    using value_type = T;

    Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool hasValue() const { return m_state.index() == 0; }
    explicit operator bool() const { return hasValue(); }

    [[nodiscard]] T& value() & { return std::get<0>(m_state); }
    [[nodiscard]] const T& value() const& { return std::get<0>(m_state); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(m_state)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const& { return std::get<1>(m_state); }
    [[nodiscard]] Error&& error() && { return std::get<1>(std::move(m_state)); }

    /// Adds a frame to an error ("opening report a.gantry"); leaves a value alone.
    Result context(std::string frame) &&
    {
        if (!hasValue())
            std::get<1>(m_state).context.push_back(std::move(frame));
        return std::move(*this);
    }

private:
    std::variant<T, Error> m_state;
};

/// Result<void>: success or an Error.
template <>
class [[nodiscard]] Result<void>
{
public:
    using value_type = void;

    Result() = default;
    Result(Error error) : m_error(std::move(error)), m_ok(false) {}

    [[nodiscard]] bool hasValue() const { return m_ok; }
    explicit operator bool() const { return m_ok; }
    void value() const {}
    [[nodiscard]] const Error& error() const& { return m_error; }
    [[nodiscard]] Error&& error() && { return std::move(m_error); }

    Result context(std::string frame) &&
    {
        if (!m_ok)
            m_error.context.push_back(std::move(frame));
        return std::move(*this);
    }

private:
    Error m_error;
    bool m_ok = true;
};

/// Error from errno-style numbers, the one place where they are turned into text: "cannot open /x: Permission denied".
[[nodiscard]] Error errnoError(int errnoValue, std::string_view doing);

} // namespace gantry

#define GANTRY_CONCAT_(a, b) a##b
#define GANTRY_CONCAT(a, b) GANTRY_CONCAT_(a, b)
#define GANTRY_TRY_(tmp, declaration, ...)                                                                             \
    auto tmp = (__VA_ARGS__);                                                                                          \
    if (!tmp)                                                                                                          \
        return std::move(tmp).error();                                                                                 \
    declaration = std::move(tmp).value()

/// GANTRY_TRY(auto x, expression): x is the value, or the function returns the error.
#define GANTRY_TRY(declaration, ...) GANTRY_TRY_(GANTRY_CONCAT(gantryTry, __COUNTER__), declaration, __VA_ARGS__)

/// GANTRY_CHECK(expression): the function returns the error of a Result<void>, if it is one.
#define GANTRY_CHECK(...)                                                                                              \
    do {                                                                                                               \
        if (auto gantryChecked = (__VA_ARGS__); !gantryChecked)                                                        \
            return std::move(gantryChecked).error();                                                                   \
    } while (false)
