#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace gantry::gpu_sampler {

/// The first of these that can be opened; null: none.
[[nodiscard]] void* openFirst(std::initializer_list<const char*> names);
/// CUPTI of this machine, as the loader finds it or in the toolkit's usual place; null: none. It stays open for ever: versions 13.0
/// and 13.1 crash when they are closed.
[[nodiscard]] void* openCupti();

struct CuptiFound
{
    std::string path;
    std::uint32_t version = 0; ///< cuptiGetVersion(); 0: there is none
};
[[nodiscard]] CuptiFound findCupti();

} // namespace gantry::gpu_sampler
