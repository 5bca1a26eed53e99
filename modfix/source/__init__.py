"""Files in and out: discovery, exact bytes, overlay, suppression comments, atomic writing with a journal."""
