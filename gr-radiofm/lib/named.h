/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace gr {
namespace radiofm {

/*!
 * \brief The entry of a table whose member `name` is `name`.
 * \throws std::invalid_argument that it `is_not`, naming the known ones
 */
template <typename Entry, size_t count>
const Entry& find_named(const Entry (&table)[count], const std::string& name, const char* is_not)
{
    std::string known;
    for (const Entry& one : table) {
        if (name == one.name) {
            return one;
        }
        known += (known.empty() ? "" : ", ") + std::string(one.name);
    }
    throw std::invalid_argument("datatype '" + name + "' " + is_not + "; use one of " + known);
}

} // namespace radiofm
} // namespace gr
