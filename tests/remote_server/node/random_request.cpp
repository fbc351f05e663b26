#include "tests/remote_server/node/random_request.h"

#include <cstdint>
#include <iterator>
#include <limits>

namespace gantry::test {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;

constexpr int kDeepest = 4;

template <typename Number>
Number anyNumber(std::mt19937& random)
{
    using Limits = std::numeric_limits<Number>;
    const Number values[] = {Number{0},
                             Number{1},
                             Limits::max(),
                             Limits::lowest(),
                             static_cast<Number>(Limits::max() - 1),
                             Number{2},
                             Number{1'000'000},
                             Number{0} - Number{1},
                             static_cast<Number>(random())};
    return values[random() % std::size(values)];
}

class Filler
{
public:
    /// One of so many fields is set.
    Filler(std::mt19937& random, const std::vector<std::string>& names, unsigned oneOf) : m_random(random), m_names(names), m_oneOf(oneOf)
    {
    }

    void fill(Message& message, int depth = 0)
    {
        const Descriptor& type = *message.GetDescriptor();
        for (int i = 0; i < type.field_count(); ++i) {
            const FieldDescriptor& field = *type.field(i);
            if (depth > kDeepest || m_random() % m_oneOf != 0)
                continue;
            for (unsigned count = field.is_repeated() ? m_random() % 4 : 1; count > 0; --count)
                set(message, field, depth);
        }
    }

private:
    std::string text()
    {
        switch (m_random() % 6) {
        case 0:
            return m_names[m_random() % m_names.size()];
        case 1:
            return std::string(m_random() % 20'000, 'A');
        case 2:
            return std::to_string(m_random());
        case 3:
            return "../../../../etc/passwd";
        case 4:
            return std::string("a\0b\n\x1b[31m%s%n{}", 15);
        default:
            return "";
        }
    }

    void set(Message& message, const FieldDescriptor& field, int depth)
    {
        const Reflection& reflection = *message.GetReflection();
        const bool isMany = field.is_repeated();
        switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE:
            return fill(*(isMany ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field)), depth + 1);
        case FieldDescriptor::CPPTYPE_STRING:
            return isMany ? reflection.AddString(&message, &field, text()) : reflection.SetString(&message, &field, text());
        case FieldDescriptor::CPPTYPE_BOOL:
            return isMany ? reflection.AddBool(&message, &field, m_random() % 2) : reflection.SetBool(&message, &field, m_random() % 2);
        case FieldDescriptor::CPPTYPE_ENUM: {
            const int value = m_random() % 2 ? static_cast<int>(m_random() % 6) : anyNumber<std::int32_t>(m_random);
            return isMany ? reflection.AddEnumValue(&message, &field, value) : reflection.SetEnumValue(&message, &field, value);
        }
        case FieldDescriptor::CPPTYPE_INT32:
            return isMany ? reflection.AddInt32(&message, &field, anyNumber<std::int32_t>(m_random))
                          : reflection.SetInt32(&message, &field, anyNumber<std::int32_t>(m_random));
        case FieldDescriptor::CPPTYPE_INT64:
            return isMany ? reflection.AddInt64(&message, &field, anyNumber<std::int64_t>(m_random))
                          : reflection.SetInt64(&message, &field, anyNumber<std::int64_t>(m_random));
        case FieldDescriptor::CPPTYPE_UINT32:
            return isMany ? reflection.AddUInt32(&message, &field, anyNumber<std::uint32_t>(m_random))
                          : reflection.SetUInt32(&message, &field, anyNumber<std::uint32_t>(m_random));
        case FieldDescriptor::CPPTYPE_UINT64:
            return isMany ? reflection.AddUInt64(&message, &field, anyNumber<std::uint64_t>(m_random))
                          : reflection.SetUInt64(&message, &field, anyNumber<std::uint64_t>(m_random));
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return isMany ? reflection.AddDouble(&message, &field, anyNumber<double>(m_random))
                          : reflection.SetDouble(&message, &field, anyNumber<double>(m_random));
        case FieldDescriptor::CPPTYPE_FLOAT:
            return isMany ? reflection.AddFloat(&message, &field, 0) : reflection.SetFloat(&message, &field, 0);
        }
    }

    std::mt19937& m_random;
    const std::vector<std::string>& m_names;
    unsigned m_oneOf;
};

void setTexts(Message& message, const std::string& text, int depth = 0)
{
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
        const FieldDescriptor& field = *message.GetDescriptor()->field(i);
        const bool isMany = field.is_repeated();
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && isMany)
            reflection.AddString(&message, &field, text);
        else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
            reflection.SetString(&message, &field, text);
        else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < kDeepest)
            setTexts(*(isMany ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field)), text, depth + 1);
    }
}

std::unique_ptr<Message> emptyMessage(const Descriptor& type)
{
    return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

} // namespace

std::unique_ptr<Message> randomRequest(const Descriptor& type, std::mt19937& random, const std::vector<std::string>& names,
                                       const std::string& base)
{
    auto message = emptyMessage(type);
    if (random() % 4 != 0)
        message->ParseFromString(base);
    constexpr unsigned kDensities[] = {1, 2, 8, 32, 64};
    Filler(random, names, kDensities[random() % std::size(kDensities)]).fill(*message);
    return message;
}

std::unique_ptr<Message> requestOfText(const Descriptor& type, const std::string& text)
{
    auto message = emptyMessage(type);
    setTexts(*message, text);
    return message;
}

} // namespace gantry::test
