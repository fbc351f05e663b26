#include "app/cli/recording_privacy.h"

#include "trace_model/base/secret_words.h"

#include <algorithm>

namespace gantry::cli {

void keepPrivate(proto::NodeRecording& recording)
{
    if (recording.processes) {
        auto& processes = recording.processes->processes;
        std::erase_if(processes,
                      [&](const proto::NodeProcess& process) { return process.user != recording.node.userName && process.gpus.empty(); });
        for (proto::NodeProcess& process : processes) {
            if (process.user != recording.node.userName)
                process.argv.clear();
            maskSecrets(process.argv);
        }
    }
    for (proto::Target& target : recording.targets)
        maskSecrets(target.argv);
    for (proto::RecordedLine& line : recording.log)
        line.text = maskedLine(line.text);
}

} // namespace gantry::cli
