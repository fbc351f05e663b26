#pragma once

#include "trace_model/base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace gantry {

/// CRC-32 (IEEE 802.3, as in zlib) of a block. Any thread.
[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> data);

/// Incremental SHA-256. One thread at a time.
class Sha256
{
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::span<const std::byte> data);

    /// 64 lower-case hexadecimal digits; ends the computation.
    [[nodiscard]] std::string finishHex();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

/// SHA-256 of a whole file as 64 hexadecimal digits. Blocks for the time of reading it.
[[nodiscard]] Result<std::string> sha256OfFile(const std::filesystem::path& path);

} // namespace gantry
