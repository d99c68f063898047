{
  infrastructure.nodeExporter = 9100;
}
