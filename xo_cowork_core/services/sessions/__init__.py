"""Sessions of all runtimes: lists, messages, flags, and the trash for deleted ones."""
