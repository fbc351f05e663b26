#pragma once

#include <vector>

namespace gantry::inference_server {

/// What layers of transformers on the CPU are made of, FP32, row-major, with a BLAS.

/// out[rows][n] = in[rows][k] · weights[n][k]ᵀ + bias[n]
void linear(const std::vector<float>& in, const std::vector<float>& weights, const std::vector<float>& bias, std::vector<float>& out,
            int rows, int n, int k);

/// Mean 0 and variance 1 of each row of `n`, without weight and bias.
void normalise(std::vector<float>& rows, int n, float epsilon);

/// GELU, its exact form.
void gelu(std::vector<float>& values);

/// Makes `n` scores shares that sum up to 1. n ≥ 1.
void softmax(float* scores, int n);

} // namespace gantry::inference_server
