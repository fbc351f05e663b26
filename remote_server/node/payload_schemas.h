#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::node {

/// What the extended payloads of a process's NVTX events mean: turns their bytes into JSON. The bytes come from the target and may be
/// anything: reading never leaves them, and what comes of it is bounded. One thread.
class PayloadSchemas
{
public:
    /// A PayloadSchemaHeader and what follows. One that is damaged is left out.
    void add(std::uint32_t domain, std::string_view bytes);

    /// The payloads of one event (ExtendedPayloadHeader and what follows, repeated): {"member":value,…}, or, where there are several,
    /// {"schema":{…},…}. Empty: there is nothing to show. Numbers that readers of JSON would round are texts.
    [[nodiscard]] std::string json(std::uint32_t domain, std::string_view payloads) const;
    /// The same of a range that has some from its begin and some from its end.
    [[nodiscard]] std::string json(std::uint32_t domain, std::string_view atBegin, std::string_view atEnd) const;

    /// Of the schema of the first payload that has one; empty: none has.
    [[nodiscard]] std::string_view name(std::uint32_t domain, std::string_view payloads) const;

private:
    struct Entry
    {
        std::uint64_t flags, type, detail, offset;
        std::string name;
    };
    struct Schema
    {
        std::string name;
        std::uint64_t staticSize = 0;
        std::uint32_t type = 0, packAlign = 0;
        bool isEnum = false;
        std::size_t alignment = 1;
        std::vector<Entry> entries;
    };
    class Reading;

    [[nodiscard]] std::size_t alignmentOf(std::uint32_t domain, const Schema& schema, const Entry& entry) const;
    [[nodiscard]] const Schema* find(std::uint32_t domain, std::uint64_t id) const;

    std::map<std::pair<std::uint32_t, std::uint64_t>, Schema> m_schemas; ///< by domain and id
};

} // namespace gantry::node
