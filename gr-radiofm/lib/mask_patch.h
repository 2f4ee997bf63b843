/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/radiofm/mask_groups.h>
#include <utility>
#include <vector>

namespace gr {
namespace radiofm {

//! Rows and columns of a frame.
struct box
{
    size_t first_row, end_row, first_col, end_col;
    size_t width() const { return end_col - first_col; }
    size_t height() const { return end_row - first_row; }
    size_t size() const { return width() * height(); }
    void include(const box& other);
};

//! Rows without a pixel that end no time on the air.
constexpr size_t closed_rows = 2;

//! Rows from first to end - 1.
struct row_span
{
    size_t first, end;
};

//! Neighbouring pixels of a row, of one class.
struct pixel_run
{
    uint16_t row, first, end;
    uint8_t label;
    size_t size() const { return size_t(end - first); }
};

//! The mask with its powers as linear numbers; all patches of a frame look at it.
struct frame_view
{
    mask_frame frame;
    size_t classes;
    const float* power;
};

//! Pixels of a mask that belong together, as runs by row, and what is known of them.
class patch
{
public:
    explicit patch(const frame_view& view);

    void add(const pixel_run& run);
    //! Take over another patch's pixels.
    void absorb(patch&& other);
    //! Find the band; call it after the last add() or absorb().
    void settle();

    const std::vector<pixel_run>& runs() const { return d_runs; }
    const box& around() const { return d_around; }
    size_t pixels() const { return d_pixels; }
    //! Columns from the first to the last that is used at least a quarter as often as is usual.
    size_t low() const { return d_low; }
    size_t high() const { return d_high; }
    size_t width() const { return d_high - d_low; }
    //! Mean power of a pixel.
    double level() const { return d_power / double(d_pixels ? d_pixels : 1); }
    double power() const { return d_power; }
    //! level() of the strongest part that it took over: a carrier's bursts differ by their load.
    double strongest() const { return d_absorbed ? d_strongest : level(); }
    //! The class of most weight (sum of confidences), and its share of the weight.
    size_t label() const { return d_label; }
    double purity() const { return d_purity; }
    //! When it is on the air.
    const std::vector<row_span>& times() const { return d_times; }
    //! Share of its boxes that is filled.
    double solidity() const { return double(d_pixels) / double(d_boxed ? d_boxed : 1); }
    //! Number of pixels in each row of the frame.
    std::vector<size_t> row_use() const;
    //! Weight by class and column of the frame: element [label * cols + column].
    std::vector<double> column_weights() const;
    //! Number of pixels in each column of the frame.
    std::vector<size_t> column_use() const;
    const frame_view& view() const { return *d_view; }

private:
    void count_columns(std::vector<size_t>& use, size_t first) const;

    const frame_view* d_view;
    std::vector<pixel_run> d_runs;
    std::vector<double> d_weights; // by class
    std::vector<row_span> d_times;
    box d_around{};
    size_t d_pixels = 0, d_boxed = 0, d_low = 0, d_high = 0, d_label = 0;
    double d_power = 0.0, d_purity = 0.0, d_strongest = 0.0;
    bool d_absorbed = false;
};

//! The rows from which to which something is on the air that uses so many pixels of each.
std::vector<row_span> times_on(const std::vector<size_t>& use);

//! First and one past the last of `use` that is at least a quarter of what is usual (the median of
//! what is used at all); {0, 0} where nothing is.
std::pair<size_t, size_t> usual_extent(const std::vector<size_t>& use);

//! Median of what is not 0; 0 where there is nothing.
double usual(const std::vector<size_t>& use);

} // namespace radiofm
} // namespace gr
