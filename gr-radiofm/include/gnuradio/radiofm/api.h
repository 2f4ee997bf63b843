/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/attributes.h>

#ifdef gnuradio_radiofm_EXPORTS
#define RADIOFM_API __GR_ATTR_EXPORT
#else
#define RADIOFM_API __GR_ATTR_IMPORT
#endif
