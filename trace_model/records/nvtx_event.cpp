#include "trace_model/records/nvtx_event.h"

#include <algorithm>
#include <cstring>

namespace gantry::records {
namespace {

// A counter slower or faster than any that is built is a damaged record.
constexpr std::int64_t kSlowestTicks = 1'000'000, kFastestTicks = 100'000'000'000;

NvtxEvent fullOf(const ShortPushRecord& r, std::string_view text)
{
    NvtxRecord record{};
    record.time = r.time;
    record.tid = r.tid;
    record.domain = r.domain;
    record.rangeId = r.number;
    record.enclosing = r.enclosing;
    record.textId = r.textId;
    record.textLength = static_cast<std::uint16_t>(text.size());
    record.color = r.color;
    return {RecordType::NvtxPush, record, text, {}};
}

NvtxEvent fullOf(const ShortPopRecord& r)
{
    NvtxRecord record{};
    record.time = r.time;
    record.tid = r.tid;
    record.domain = r.domain;
    record.rangeId = r.number;
    record.enclosing = r.enclosing;
    return {RecordType::NvtxPop, record, {}, {}};
}

std::string_view extendedPayload(const RecordView& view, const NvtxRecord& r)
{
    const std::size_t begin = (sizeof(NvtxRecord) + r.textLength + 7) & ~std::size_t{7};
    if (r.payloadType != PayloadType::Extended || begin > view.bytes.size())
        return {};
    return {reinterpret_cast<const char*>(view.bytes.data()) + begin, std::min<std::size_t>(r.payload, view.bytes.size() - begin)};
}

std::string_view withoutPadding(std::string_view text)
{
    return text.substr(0, text.find('\0'));
}

/// Whether the event is in a record that has everything an event may have.
bool isFull(RecordType type)
{
    switch (type) {
    case RecordType::NvtxPush:
    case RecordType::NvtxPop:
    case RecordType::NvtxStart:
    case RecordType::NvtxEnd:
    case RecordType::NvtxMark:
        return true;
    default:
        return false;
    }
}

template <typename Record>
std::optional<std::int64_t> timeOf(const RecordView& view)
{
    const auto* record = view.as<Record>();
    return record ? std::optional(record->time) : std::nullopt;
}

} // namespace

std::optional<NvtxEvent> nvtxEvent(const RecordView& view)
{
    if (isFull(view.type)) {
        if (const auto* r = view.as<NvtxRecord>())
            return NvtxEvent{view.type, *r, view.textBehind<NvtxRecord>(r->textLength), extendedPayload(view, *r)};
    } else if (view.type == RecordType::NvtxShortPush) {
        if (const auto* r = view.as<ShortPushRecord>())
            return fullOf(*r, withoutPadding(view.textBehind<ShortPushRecord>(kMaxShortText)));
    } else if (view.type == RecordType::NvtxShortPop) {
        if (const auto* r = view.as<ShortPopRecord>())
            return fullOf(*r);
    }
    return {};
}

std::optional<std::int64_t> nvtxTime(const RecordView& view)
{
    if (isFull(view.type))
        return timeOf<NvtxRecord>(view);
    if (view.type == RecordType::NvtxShortPush)
        return timeOf<ShortPushRecord>(view);
    if (view.type == RecordType::NvtxShortPop)
        return timeOf<ShortPopRecord>(view);
    return {};
}

void NvtxClock::add(const ClockRecord& sample)
{
    if (sample.ticks == 0)
        return;
    m_ticks.add(sample.ticks, sample.monotonicNs);
    if (sample.ticksPerSecond >= kSlowestTicks && sample.ticksPerSecond <= kFastestTicks)
        m_ticks.setRateOutside(1e9 / static_cast<double>(sample.ticksPerSecond));
}

} // namespace gantry::records
