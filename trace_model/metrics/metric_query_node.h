#pragma once

#include "trace_model/metrics/metric_query.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gantry::metrics {

/// An expression of a MetricQuery. For its sources only.
struct MetricQuery::Node
{
    enum class Kind
    {
        Number,
        Series,    ///< name, labels
        Rate,      ///< name, labels
        Delta,     ///< the same
        Quantile,  ///< name, labels, number 0..1
        Operation, ///< operation, two operands
        Aggregate, ///< name (sum, avg, min, max), by, one operand
        Any        ///< operands
    };
    Kind kind = Kind::Number;
    double number = 0;
    char operation = '+';
    std::string name;
    std::map<std::string, std::string> labels;
    std::vector<std::string> by;
    std::vector<std::shared_ptr<const Node>> operands;
};

} // namespace gantry::metrics
