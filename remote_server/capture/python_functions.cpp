// What python/gantry_functions.py calls: the ranges of Python functions. CPython calls begin and end as functions of its own (PyMethodDef),
// without ctypes in between. Neither Python's headers nor its library are needed: the few functions of its stable ABI come as pointers.

#include "remote_server/capture/capture_state.h"
#include "remote_server/capture/control_channel.h"
#include "remote_server/capture/nvtx_dictionary.h"
#include "remote_server/capture/nvtx_recorder.h"

#include <cstdlib>
#include <new>
#include <string_view>

namespace gantry::capture {
namespace {

using PyObject = void;

/// PyMethodDef of CPython's stable ABI (methodobject.h).
struct PythonMethod
{
    const char* name;
    PyObject* (*call)(PyObject* self, PyObject* none);
    int flags;
    const char* documentation;
};
constexpr int kNoArguments = 0x0004; // METH_NOARGS

struct PythonInterpreter
{
    void* (*capsulePointer)(PyObject*, const char* name); ///< PyCapsule_GetPointer
    void (*keep)(PyObject*);                              ///< Py_IncRef
    PyObject* yes;
    PyObject* no;
};
PythonInterpreter g_python{};

/// A function whose calls are ranges. Lives as long as the process.
struct PythonFunction
{
    nvtxDomainHandle_t domain;
    nvtxEventAttributes_t attributes;
};

bool enterPython()
{
    if (!enter())
        return false;
    awaitFirstCommand();
    return true;
}

PyObject* answer(bool isYes)
{
    PyObject* result = isYes ? g_python.yes : g_python.no;
    g_python.keep(result);
    return result;
}

PyObject* begin(PyObject* self, PyObject*)
{
    const auto* function = static_cast<const PythonFunction*>(g_python.capsulePointer(self, nullptr));
    if (!state() && !enterPython()) [[unlikely]] // a forked child sets itself up with its first call
        return answer(false);
    return answer(pushIfWanted(function->domain, function->attributes));
}

PyObject* end(PyObject* self, PyObject*)
{
    popWanted(static_cast<const PythonFunction*>(g_python.capsulePointer(self, nullptr))->domain);
    return answer(true);
}

PythonMethod g_methods[] = {{"begin", begin, kNoArguments, nullptr}, {"end", end, kNoArguments, nullptr}};

/// The number of a category in its domain: far from those that programs count themselves.
std::uint32_t categoryNumber(std::string_view domain, std::string_view category)
{
    std::uint32_t hash = 2166136261u; // FNV-1a, so that all processes of a target call it the same
    for (const std::string_view part : {domain, category})
        for (const char c : part)
            hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return (hash & 0x3FFFFFFFu) | 0x40000000u; // positive also where a reader takes it for an int
}

} // namespace
} // namespace gantry::capture

#define GANTRY_EXPORT extern "C" __attribute__((visibility("default")))

/// Connects to the daemon; waits for its first word. 1: there is one.
GANTRY_EXPORT int gantry_python_enter(void)
{
    return gantry::capture::enterPython();
}

GANTRY_EXPORT void gantry_python_use(void* capsuleGetPointer, void* incRef, void* yes, void* no)
{
    using namespace gantry::capture;
    g_python = {reinterpret_cast<void* (*)(PyObject*, const char*)>(capsuleGetPointer), reinterpret_cast<void (*)(PyObject*)>(incRef), yes,
                no};
}

/// What a capsule holds that is `self` of begin and end. An empty category: none; colour 0: none. Null: no memory.
GANTRY_EXPORT void* gantry_python_site(const char* domain, const char* category, std::uint32_t color, const char* name)
{
    using namespace gantry::capture;
    using gantry::records::RecordType;
    CaptureState* s = state() || enterPython() ? state() : nullptr; // a forked child has its own
    void* memory = std::malloc(sizeof(PythonFunction));
    if (!memory)
        return nullptr;
    auto* function = new (memory) PythonFunction{};
    nvtxEventAttributes_t& a = function->attributes;
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    if (color != 0) {
        a.colorType = NVTX_COLOR_ARGB;
        a.color = color;
    }
    if (!s)
        return function; // without a daemon nothing is recorded
    NarrowText unused;
    const DictionaryEntry* ofDomain = define(*s, RecordType::Domain, 0, 0, boundedText(*s, domain, unused));
    const DictionaryEntry* text = define(*s, RecordType::Text, ofDomain ? ofDomain->id : 0, 0, boundedText(*s, name, unused));
    if (category[0]) {
        a.category = categoryNumber(domain, category);
        define(*s, RecordType::Category, ofDomain ? ofDomain->id : 0, a.category, boundedText(*s, category, unused));
    }
    function->domain = reinterpret_cast<nvtxDomainHandle_t>(const_cast<DictionaryEntry*>(ofDomain));
    a.message.registered = reinterpret_cast<nvtxStringHandle_t>(const_cast<DictionaryEntry*>(text));
    return function;
}

/// PyMethodDef of begin (0) and end (1).
GANTRY_EXPORT void* gantry_python_method(int isEnd)
{
    return &gantry::capture::g_methods[isEnd != 0];
}
