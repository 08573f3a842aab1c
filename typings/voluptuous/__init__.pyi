# Home Assistant installs probatio under the name voluptuous; so it is for the type checker.
from probatio import *
