#pragma once

#include <string_view>

namespace gantry::importing {

/// The name of a kernel's function alone, as Nsight Systems has it for "shortName": of "void ns::foo<int, 4>(float*)" it is "foo".
/// The whole text where it is no signature: the names of kernels that other compilers make, a linker's name.
[[nodiscard]] std::string_view shortKernelName(std::string_view demangled);

} // namespace gantry::importing
