"""The programs behind make targets: each module is a command, or shared by several."""
