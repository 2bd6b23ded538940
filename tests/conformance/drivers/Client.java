// JSSE: `java Client https` with endpoint identification, `java Client paho` as Paho Java's SSLNetworkModule does, which
// builds an SNIHostName from the host first. Requests and answers as in client.py.
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collections;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    public static void main(String[] args) throws Exception {
        boolean paho = args[0].equals("paho");
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        System.out.println("Java " + System.getProperty("java.version"));
        String line;
        while ((line = requests.readLine()) != null) {
            String[] part = line.split("\t");
            String answer;
            try {
                attempt(Integer.parseInt(part[0]), part[1], part[2].equals("-") ? null : part[2], paho);
                answer = "yes";
            } catch (java.net.ConnectException | java.net.SocketTimeoutException e) {
                answer = "failed\t" + e;
            } catch (Exception e) {
                answer = "no\t" + e.toString().replaceAll("[\\r\\n]+", " ");
            }
            System.out.println(answer);
            System.out.flush();
        }
    }

    static SSLContext trusting(String ca) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = new FileInputStream(ca)) {
            int number = 0;
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                store.setCertificateEntry("anchor" + number++, one);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        return context;
    }

    static void attempt(int port, String ca, String name, boolean paho) throws Exception {
        SSLContext context = trusting(ca);
        String host = name == null ? "localhost" : name;
        try (Socket tcp = new Socket(InetAddress.getLoopbackAddress(), port)) {
            tcp.setSoTimeout(6000);
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(tcp, host, port, true);
            SSLParameters parameters = socket.getSSLParameters();
            if (paho) {
                parameters.setServerNames(Collections.singletonList(new SNIHostName(host)));
            }
            if (name != null) {
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
            }
            socket.setSSLParameters(parameters);
            socket.startHandshake();
        }
    }
}
