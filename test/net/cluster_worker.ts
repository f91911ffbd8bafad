// A worker of the cluster in classes.test.ts: says which process it is.
import net from 'ringcore/net';

net.createServer((socket) => void socket.end(String(process.pid))).listen(0, '127.0.0.1');
