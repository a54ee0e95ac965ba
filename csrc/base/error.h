// Errors that a caller can make. They carry the argument's name, so that every language binding
// can say which argument was wrong, what it was, and what was expected.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace otcore {

// A value the caller passed is not acceptable. what() reads
// "<argument>: <problem>, expected <expected>".
class InvalidArgument : public std::invalid_argument {
 public:
  InvalidArgument(std::string argument, std::string problem, std::string expected)
      : std::invalid_argument(argument + ": " + problem + ", expected " + expected),
        argument_(std::move(argument)),
        problem_(std::move(problem)),
        expected_(std::move(expected)) {}

  // One entry of an array is not acceptable: the problem reads "M[3, 4] is nan".
  static InvalidArgument entry(const std::string& argument, const std::vector<std::size_t>& index,
                               double value, std::string expected);

  // The same error seen from a batch, in which the array was number `position`.
  [[nodiscard]] InvalidArgument in_batch(std::size_t position) const;

  [[nodiscard]] const std::string& argument() const noexcept { return argument_; }

 private:
  std::string argument_;
  std::string problem_;
  std::string expected_;
  std::vector<std::size_t> index_;  // empty: the error is not about one entry
  double value_ = 0.0;
};

// The shortest decimal text that reads back as x.
std::string shown(double x);

}  // namespace otcore
