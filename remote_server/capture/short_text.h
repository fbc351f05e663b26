#pragma once

#include "trace_model/records/chunk_format.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GANTRY_COPIES_BY_VECTOR
#include <emmintrin.h>
#endif

namespace gantry::capture {

/// What copyShortText() may write, the padding included.
inline constexpr std::uint32_t kShortTextRoom = records::kMaxShortText + 1;

/// The text is longer than a short record takes, or lies where it cannot be read at once.
inline constexpr std::uint32_t kNotCopied = UINT32_MAX;

/// Copies a text of at most kMaxShortText bytes in one pass and pads it with NUL to a multiple of 8 at least. Its length, or kNotCopied.
[[gnu::always_inline]] inline std::uint32_t copyShortText(char* to, const char* from)
{
#ifdef GANTRY_COPIES_BY_VECTOR
    constexpr std::uint32_t kWidth = 16;
    constexpr std::uintptr_t kPage = 4096;
    static_assert(kShortTextRoom % kWidth == 0);
    // Bytes behind the text are read as well, as by strlen of the C library: those of its page, which are there.
    if ((reinterpret_cast<std::uintptr_t>(from) & (kPage - 1)) > kPage - kShortTextRoom) [[unlikely]]
        return kNotCopied;
    for (std::uint32_t offset = 0; offset < kShortTextRoom; offset += kWidth) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + offset));
        const int ends = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
        auto* place = reinterpret_cast<__m128i*>(to + offset);
        if (ends == 0) {
            _mm_storeu_si128(place, bytes);
            continue;
        }
        const int rest = __builtin_ctz(static_cast<unsigned>(ends));
        // What lies behind the text is no part of it and stays in its process.
        const __m128i index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m128i ofText = _mm_cmplt_epi8(index, _mm_set1_epi8(static_cast<char>(rest)));
        _mm_storeu_si128(place, _mm_and_si128(bytes, ofText));
        return offset + static_cast<std::uint32_t>(rest);
    }
    return kNotCopied;
#else
    const std::size_t length = strnlen(from, kShortTextRoom);
    if (length == kShortTextRoom)
        return kNotCopied;
    std::memset(to, 0, kShortTextRoom);
    std::memcpy(to, from, length);
    return static_cast<std::uint32_t>(length);
#endif
}

} // namespace gantry::capture
