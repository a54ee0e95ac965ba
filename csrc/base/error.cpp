#include "base/error.h"

#include <array>
#include <charconv>

namespace otcore {

std::string shown(double x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

InvalidArgument InvalidArgument::entry(const std::string& argument,
                                       const std::vector<std::size_t>& index, double value,
                                       std::string expected) {
  std::string place = argument + "[";
  for (std::size_t k = 0; k < index.size(); ++k) {
    place += (k == 0 ? "" : ", ") + std::to_string(index[k]);
  }
  InvalidArgument error(argument, place + "] is " + shown(value), std::move(expected));
  error.index_ = index;
  error.value_ = value;
  return error;
}

InvalidArgument InvalidArgument::in_batch(std::size_t position) const {
  if (index_.empty()) {
    return {argument_, "in problem " + std::to_string(position) + " " + problem_, expected_};
  }
  std::vector<std::size_t> index{position};
  index.insert(index.end(), index_.begin(), index_.end());
  return entry(argument_, index, value_, expected_);
}

}  // namespace otcore
