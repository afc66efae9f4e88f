"""The bus between processes, and the same bus inside one."""
