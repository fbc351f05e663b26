#include "app/cli/recipe_example.h"

namespace gantry::cli {

std::string_view recipeExample()
{
    return R"(# A recipe of gantryctl. Lines with # before a key show it with its default, or with an example where it has none.
# Times have units: 500us, 20ms, 5s, 2m.
recipe: 1                           # version of this format
# name: recipe                      # of the files that are made; default: this file's name

server:                             # one of model_repository, command and target
  model_repository: /models         # starts gantry-serve with it
  # program: gantry-serve           # looked for beside gantryctl, then on the PATH of gantryd
  flags: [--cpu-only]               # default: none
  # command: [tritonserver, --model-repository, /models]   # instead: any server
  # target: t1                      # instead: one that runs, by id or name
  # grpc_address: 127.0.0.1:8001    # HOST:PORT of its KServe v2 service
  # metrics_url: http://127.0.0.1:8002/metrics
  # environment: {OMP_NUM_THREADS: 2}   # values of names with TOKEN, SECRET, PASSWORD or KEY are not kept in reports
  # directory: /srv/app             # to start it in; default: gantryd's
  # name: serve                     # of the target; default: the program's
  # profile: auto                   # engine of the program; default: none
  # inject: true                    # with the capture library
  # wait_ready: 60s                 # how long it may take to serve
  # keep_running: false             # when the recipe is done

warm_up:                            # default: none
  requests: 100
  # for: 2s                         # or by time

load:                               # ends with the capture unless for, count or max_trials is given
  model: add_sub
  # models: {bert_base: 0.7, add_sub: 0.3}   # instead: several with their shares
  concurrency: 4                    # requests in flight, or START:END:STEP; default 1
  # request_rate: 100               # instead: requests per second, or START:END:STEP
  # distribution: poisson           # of request_rate: poisson or constant
  # max_in_flight: 32               # of request_rate
  # for: 10s
  # count: 1000                     # requests
  # measurement_interval: 5s        # without for and count, and without a capture: windows until three agree
  # stability_percentage: 10        # %
  # max_trials: 10                  # windows
  # address: 127.0.0.1:8001         # default: the server's grpc_address
  # batch: 1                        # inferences in a request
  # shapes: {IMAGE: [3, 224, 224]}  # without the batch
  # sequence: 16                    # length of open dimensions, elements
  # string_length: 16               # of made-up texts, characters
  # output_tokens: 32               # of MAX_TOKENS and its like
  # int_ranges: {all: 0:999}        # of made-up numbers
  # input_data: random              # random, zero, a JSON file as perf_analyzer takes it, or the data itself
  # seed: 1                         # of what is made up

capture:                            # without it there is no report; it ends by for, requests, iterations or size
  after: 1s                         # default 0
  for: 2s
  # requests: 100
  # iterations: 10
  # size: 100MB
  # repeat: 1                       # windows
  # every: 10s                      # from the begin of one to the next
  # gpu_metrics: 10kHz              # sampling of the GPU's counters; default: none
  # label: before                   # default: none
  # api_queries: false
  # cuda_memory_usage: false
  # cuda_modules: false
  # context_switches: false

# sweep:                            # every combination of these, each with a server as it says and a window: `gantryctl sweep FOLDER`
  # instances: [1, 2, 4]            # of the load's model; without a key: as the model's configuration has it
  # max_batch_size: [1, 8]
  # dynamic_batching: [false, true]
  # queue_delay: [0us, 500us]       # of dynamic batching
  # batch: [1]                      # inferences in a request; default: that of load
  # concurrency: [1, 2, 4]          # or request_rate; default: those of load
)";
}

} // namespace gantry::cli
