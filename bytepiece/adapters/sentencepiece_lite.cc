// The C functions through which Python calls SentencePiece's Lite runtime, which has no Python
// interface in version 0.2.3. `python -m bytepiece.adapters.sentencepiece_lite` compiles them.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "cached_sentencepiece_lite.h"
#include "sentencepiece_lite.h"

using sentencepiece::lite::CachedSentencePieceLite;
using sentencepiece::lite::SentencePieceLiteProcessor;
using sentencepiece::lite::StatusCode;
using sentencepiece::lite::TokenCache;

namespace {

struct Loaded {
  explicit Loaded(std::shared_ptr<std::string> model) : processor(std::move(model)) {}
  SentencePieceLiteProcessor processor;
  std::unique_ptr<TokenCache> cache;  // of words and their ids; nullptr for none
};

constexpr int64_t kFailed = -1;
constexpr int64_t kTooManyIds = -2;

// Texts that lie end to end.
struct Texts {
  const char* bytes;
  const int64_t* bounds;  // where each text begins, and the end of the last
  int64_t size;

  std::string_view operator[](int64_t i) const {
    return std::string_view(bytes + bounds[i], bounds[i + 1] - bounds[i]);
  }
};

// Room for the ids of texts, which are written one after the other.
struct Rows {
  int32_t* ids;
  int64_t capacity;
  int64_t* lengths;  // the number of ids of each text
  int64_t written = 0;

  bool add(const std::vector<int>& found) {
    if (written + static_cast<int64_t>(found.size()) > capacity) return false;
    for (int id : found) ids[written++] = id;
    *lengths++ = found.size();
    return true;
  }
};

}  // namespace

extern "C" {

// Returns a converted model, or nullptr if the runtime refuses it.
Loaded* lite_load(const char* model, int64_t size, int64_t cached) {
  auto loaded = std::make_unique<Loaded>(std::make_shared<std::string>(model, size));
  if (cached) loaded->cache = std::make_unique<TokenCache>();
  return loaded->processor.status() == StatusCode::kOk ? loaded.release() : nullptr;
}

void lite_free(Loaded* loaded) { delete loaded; }

// Writes the ids of the best path of each text, and returns their number; `kFailed` if the call
// fails, and `kTooManyIds` if there are more ids than `capacity`.
int64_t lite_encode(Loaded* loaded, const char* bytes, const int64_t* bounds, int64_t size,
                    int32_t* ids, int64_t capacity, int64_t* lengths) {
  const Texts texts{bytes, bounds, size};
  Rows rows{ids, capacity, lengths};
  std::vector<int> found;
  for (int64_t i = 0; i < texts.size; ++i) {
    found.clear();
    const StatusCode status =
        loaded->cache ? CachedSentencePieceLite::Encode(loaded->processor, *loaded->cache, texts[i],
                                                        &found)
                      : loaded->processor.Encode(texts[i], &found);
    if (status != StatusCode::kOk) return kFailed;
    if (!rows.add(found)) return kTooManyIds;
  }
  return rows.written;
}

// Writes the ids of `samples` samples of each text, and returns their number, or as above.
// `alpha` is the runtime's own.
int64_t lite_sample(Loaded* loaded, const char* bytes, const int64_t* bounds, int64_t size,
                    float alpha, uint64_t seed, int64_t samples, int32_t* ids, int64_t capacity,
                    int64_t* lengths) {
  const Texts texts{bytes, bounds, size};
  Rows rows{ids, capacity, lengths};
  std::mt19937_64 generator(seed);
  // All multiples of 2^-24 in [0, 1), the numbers that a float holds exactly.
  auto uniform = [&generator]() -> float { return (generator() >> 40) * 0x1p-24f; };
  std::string normalized;
  std::vector<int> found;
  for (int64_t i = 0; i < texts.size; ++i) {
    normalized.clear();
    if (loaded->processor.Normalize(texts[i], &normalized) != StatusCode::kOk) return kFailed;
    for (int64_t sample = 0; sample < samples; ++sample) {
      found.clear();
      const StatusCode status =
          loaded->processor.SampleNormalized(normalized, alpha, uniform, &found);
      if (status != StatusCode::kOk) return kFailed;
      if (!rows.add(found)) return kTooManyIds;
    }
  }
  return rows.written;
}

}  // extern "C"
