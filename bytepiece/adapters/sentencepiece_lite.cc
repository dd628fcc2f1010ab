// The C functions through which Python calls SentencePiece's Lite runtime, which has no Python
// interface in version 0.2.3. `python -m bytepiece.adapters.sentencepiece_lite` compiles them.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sentencepiece_lite.h"

using sentencepiece::lite::SentencePieceLiteProcessor;
using sentencepiece::lite::StatusCode;

extern "C" {

// Returns a processor of a converted model, or nullptr if the runtime refuses the model.
SentencePieceLiteProcessor* lite_load(const char* model, int64_t size) {
  auto held = std::make_shared<std::string>(model, size);
  auto processor = std::make_unique<SentencePieceLiteProcessor>(held);
  return processor->status() == StatusCode::kOk ? processor.release() : nullptr;
}

void lite_free(SentencePieceLiteProcessor* processor) { delete processor; }

// Writes the ids of a text's best path, and returns their number; −1 if the call fails or there
// are more ids than `capacity`.
int64_t lite_encode(const SentencePieceLiteProcessor* processor, const char* text, int64_t size,
                    int32_t* ids, int64_t capacity) {
  std::vector<int> found;
  if (processor->Encode(std::string_view(text, size), &found) != StatusCode::kOk ||
      static_cast<int64_t>(found.size()) > capacity) {
    return -1;
  }
  for (int id : found) *ids++ = id;
  return found.size();
}

// Writes the ids of `count` samples of a text, one sample after the other, and the number of ids
// of each sample. Returns the number of all ids, or −1 as above. `alpha` is the runtime's own.
int64_t lite_sample(const SentencePieceLiteProcessor* processor, const char* text, int64_t size,
                    float alpha, uint64_t seed, int64_t count, int32_t* ids, int64_t capacity,
                    int64_t* lengths) {
  std::string normalized;
  if (processor->Normalize(std::string_view(text, size), &normalized) != StatusCode::kOk) {
    return -1;
  }
  std::mt19937_64 generator(seed);
  // All multiples of 2^-24 in [0, 1), the numbers that a float holds exactly.
  auto uniform = [&generator]() -> float { return (generator() >> 40) * 0x1p-24f; };
  std::vector<int> found;
  int64_t written = 0;
  for (int64_t i = 0; i < count; ++i) {
    found.clear();
    if (processor->SampleNormalized(normalized, alpha, uniform, &found) != StatusCode::kOk ||
        written + static_cast<int64_t>(found.size()) > capacity) {
      return -1;
    }
    for (int id : found) ids[written++] = id;
    lengths[i] = found.size();
  }
  return written;
}

}  // extern "C"
