#include "remote_server/inference/backends/cpu_layers.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <cstddef>

namespace gantry::inference_server {
namespace {

void normaliseRow(float* row, int n, float epsilon)
{
    float mean = 0;
    for (int i = 0; i < n; ++i)
        mean += row[i];
    mean /= static_cast<float>(n);
    float variance = 0;
    for (int i = 0; i < n; ++i)
        variance += (row[i] - mean) * (row[i] - mean);
    const float scale = 1.0f / std::sqrt(variance / static_cast<float>(n) + epsilon);
    for (int i = 0; i < n; ++i)
        row[i] = (row[i] - mean) * scale;
}

} // namespace

void linear(const std::vector<float>& in, const std::vector<float>& weights, const std::vector<float>& bias, std::vector<float>& out,
            int rows, int n, int k)
{
    out.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(n));
    for (int row = 0; row < rows; ++row)
        std::copy(bias.begin(), bias.end(), out.begin() + static_cast<std::ptrdiff_t>(row) * n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, n, k, 1.0f, in.data(), k, weights.data(), k, 1.0f, out.data(), n);
}

void normalise(std::vector<float>& rows, int n, float epsilon)
{
    for (std::size_t row = 0; row < rows.size(); row += static_cast<std::size_t>(n))
        normaliseRow(rows.data() + row, n, epsilon);
}

void gelu(std::vector<float>& values)
{
    for (float& x : values)
        x = 0.5f * x * (1.0f + std::erf(x * 0.70710678f));
}

void softmax(float* scores, int n)
{
    const float largest = *std::max_element(scores, scores + n);
    float sum = 0;
    for (int i = 0; i < n; ++i)
        sum += scores[i] = std::exp(scores[i] - largest);
    for (int i = 0; i < n; ++i)
        scores[i] /= sum;
}

} // namespace gantry::inference_server
