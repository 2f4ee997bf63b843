# SPDX-License-Identifier: GPL-3.0-or-later
# Where things are installed, for a virtual environment and for a system prefix alike.
#
# RADIOFM_PYTHON_DIR (cache): Python packages, relative to the prefix or absolute. Empty: a
# virtual environment's site-packages if the prefix is one, else GNU Radio's own directory.
# Sets RADIOFM_PYTHON_DIR_USED, RADIOFM_PYTHON_DIR_FULL, RADIOFM_GRC_DIR,
# RADIOFM_INCLUDE_DIR, RADIOFM_CMAKE_DIR and RADIOFM_MODULE_RPATH.

set(RADIOFM_PYTHON_DIR "" CACHE STRING
    "Install directory of the Python packages (empty: chosen from the prefix)")

if(RADIOFM_PYTHON_DIR)
  set(RADIOFM_PYTHON_DIR_USED "${RADIOFM_PYTHON_DIR}")
elseif(EXISTS "${CMAKE_INSTALL_PREFIX}/pyvenv.cfg")
  execute_process(
    COMMAND "${PYTHON_EXECUTABLE}" -c
            "import sys; print('lib/python%d.%d/site-packages' % sys.version_info[:2])"
    OUTPUT_VARIABLE RADIOFM_PYTHON_DIR_USED
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
elseif(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND IS_DIRECTORY /usr/lib/python3/dist-packages)
  # Where Debian's Python looks in /usr; GNU Radio's own answer is right elsewhere.
  set(RADIOFM_PYTHON_DIR_USED lib/python3/dist-packages)
else()
  set(RADIOFM_PYTHON_DIR_USED "${GR_PYTHON_DIR}")
endif()

if(IS_ABSOLUTE "${RADIOFM_PYTHON_DIR_USED}")
  set(RADIOFM_PYTHON_DIR_FULL "${RADIOFM_PYTHON_DIR_USED}")
else()
  set(RADIOFM_PYTHON_DIR_FULL "${CMAKE_INSTALL_PREFIX}/${RADIOFM_PYTHON_DIR_USED}")
endif()

set(RADIOFM_GRC_DIR "share/gnuradio/grc/blocks")
set(RADIOFM_INCLUDE_DIR "include/gnuradio/radiofm")
set(RADIOFM_CMAKE_DIR "${GR_LIBRARY_DIR}/cmake/gnuradio-radiofm")

# The Python module finds the library beside it, so that no LD_LIBRARY_PATH is needed and
# the prefix may be moved.
file(RELATIVE_PATH RADIOFM_MODULE_TO_LIB "${RADIOFM_PYTHON_DIR_FULL}/gnuradio/radiofm"
     "${CMAKE_INSTALL_PREFIX}/${GR_LIBRARY_DIR}")
set(RADIOFM_MODULE_RPATH "$ORIGIN/${RADIOFM_MODULE_TO_LIB}")
