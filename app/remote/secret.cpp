#include "app/remote/secret.h"

#include <cstring>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace gantry::app {

Secret::Secret(std::string_view text)
{
    for (const char c : text)
        append(c);
}

Secret::Secret(Secret&& other) noexcept : m_page(std::exchange(other.m_page, nullptr)), m_size(std::exchange(other.m_size, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept
{
    std::swap(m_page, other.m_page);
    std::swap(m_size, other.m_size);
    other.clear();
    return *this;
}

Secret::~Secret()
{
    if (!m_page)
        return;
    clear();
    ::munmap(m_page, kMostBytes + 1);
}

void Secret::append(char c)
{
    if (m_size == kMostBytes)
        return;
    if (!m_page) {
        void* const page = ::mmap(nullptr, kMostBytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            throw std::bad_alloc();
        m_page = static_cast<char*>(page);
        // Neither is needed to work: the limits of a container may forbid them.
        (void)::mlock(m_page, kMostBytes + 1);
        (void)::madvise(m_page, kMostBytes + 1, MADV_DONTDUMP);
    }
    m_page[m_size++] = c;
}

void Secret::removeLast()
{
    if (m_size > 0)
        m_page[--m_size] = '\0';
}

void Secret::clear()
{
    if (m_page)
        ::explicit_bzero(m_page, kMostBytes + 1);
    m_size = 0;
}

} // namespace gantry::app
