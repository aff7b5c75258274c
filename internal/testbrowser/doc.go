// Package testbrowser looks at pages as people do: in a headless Chromium, wide and narrow, light and dark, and with axe, which
// finds what keeps somebody out. Only tests import it. What is missing on the machine is skipped, unless PORTICO_TEST_REQUIRE=1
// says that everything must run; scripts/needs.sh installs it.
package testbrowser
